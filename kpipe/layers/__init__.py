"""Keras layers of our own, one a file: what Keras has not, or has not alike on all three backends."""
