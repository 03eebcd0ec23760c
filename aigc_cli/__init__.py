"""aigc: pictures and a chat log become a digital double that talks in a terminal."""

__version__ = "0.1.0"
