"""``kpipe eject``: a pipeline as a script of plain Keras. One data source, one training method a file."""
