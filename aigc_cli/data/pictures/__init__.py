"""From pictures in folders and archives to a prepared set."""
