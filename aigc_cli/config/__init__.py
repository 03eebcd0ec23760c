"""One frozen settings dataclass a command, and its presets. Imports no torch, numpy or Pillow."""
