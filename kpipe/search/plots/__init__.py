"""What a search shows: one picture a file, and the scale on which they lay a hyperparameter."""
