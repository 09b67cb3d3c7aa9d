"""Data sources as code, one a file, named after the source in ``kpipe.data``."""
