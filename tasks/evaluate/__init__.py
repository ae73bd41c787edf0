"""Evaluate: every variant of every model on every test set."""
