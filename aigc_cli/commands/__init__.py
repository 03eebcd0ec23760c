"""One thin module a command: parse, one library call, render."""
