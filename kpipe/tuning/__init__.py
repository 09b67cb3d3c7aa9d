"""Searches for hyperparameters: one a file."""
