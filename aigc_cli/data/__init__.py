"""Raw personal data in, prepared sets out, and prepared sets read back."""
