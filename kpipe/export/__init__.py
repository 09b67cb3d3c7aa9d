"""kpipe export: a trained model as a file for others, held against the model it was made of. One format a file."""
