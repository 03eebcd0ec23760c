"""The rules that find personal data, a file a family. None knows of chats, records or placeholders.

A rule is a function from the shadow of a text to the places of what it finds. Every quantifier is bounded, or repeats
one class of characters that what follows it cannot begin with: the work grows with the length of the text alone,
whatever the text is.
"""
