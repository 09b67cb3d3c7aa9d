"""``kpipe eject``: a pipeline as a script of plain Keras. The folders are the sections of the YAML, as in ``kpipe``."""
