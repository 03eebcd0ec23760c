"""The avatar: a text run that answers, a face run that looks, and the conversation between them and a person."""
