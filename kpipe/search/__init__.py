"""A search being carried out: its state on disk, where trials run, and what it shows."""
