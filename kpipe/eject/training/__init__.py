"""Training methods as code, one a file, named after the method in ``kpipe.training``."""
