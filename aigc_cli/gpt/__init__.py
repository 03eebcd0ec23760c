"""The language model: network, Hugging Face files, LoRA, optimizers, training, decoding."""
