"""Measures on pictures: feature extractors and the distances computed on features. Knows no commands and no runs."""
