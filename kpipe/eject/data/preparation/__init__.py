"""What the sources share as code: rows of the splits, targets, texts and their tokens."""
