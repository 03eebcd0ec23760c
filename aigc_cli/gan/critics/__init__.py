"""What a generator is judged by in training: critics, losses and penalties."""
