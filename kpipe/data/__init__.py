"""Data sources, one per file: each loads to Splits."""
