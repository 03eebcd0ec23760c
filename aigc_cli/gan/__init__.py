"""Generative adversarial networks: architectures, losses, training, sampling. Knows no commands and no text."""
