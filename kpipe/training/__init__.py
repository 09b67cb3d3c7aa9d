"""Training methods, one per file: each takes a model through one stage."""
