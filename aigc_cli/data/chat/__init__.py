"""Chat logs of any kind become dialogue sets."""
