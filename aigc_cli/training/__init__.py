"""The rim of every training: when to log, evaluate, save and stop."""
