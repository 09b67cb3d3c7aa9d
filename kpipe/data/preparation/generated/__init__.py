"""What the source `procedural` makes up: one task a file, everything from a generator that the caller seeds."""
