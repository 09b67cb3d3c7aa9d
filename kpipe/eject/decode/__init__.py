"""Ways of decoding as code, one a file, named after the way in ``kpipe.decoding``.

Those that answer a text make ``write(x)``: what the network writes for what it reads, as lists of tokens without their
end.
"""
