"""Architectures, one per file: each builds a Keras model from a Signature."""
