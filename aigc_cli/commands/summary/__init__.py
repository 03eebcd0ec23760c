"""What a command says to a person in the end: its record in a few lines, by the kind of record."""
