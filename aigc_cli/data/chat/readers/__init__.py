"""One file a format of chat logs."""
