"""Ways of decoding as code, one a file, named after the way in ``kpipe.decoding``."""
