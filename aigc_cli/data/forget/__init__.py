"""Taking a person, a time or single records out of a chat set, and out of what was copied from it."""
