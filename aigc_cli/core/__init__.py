"""What every command shares: errors, files, runs, the loop of training, the AI label. Knows no model."""
