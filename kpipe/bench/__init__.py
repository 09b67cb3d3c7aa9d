"""Bench: how fast each installed backend trains a pipeline on this machine, and which of them to take."""
