"""What is on disk, and how it fails."""
