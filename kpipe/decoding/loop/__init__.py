"""The loop that every way of decoding runs in, on Keras."""
