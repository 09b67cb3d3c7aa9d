"""How text comes out of a model: one way of decoding a file."""
