"""The network as code: the built model, layer by layer, and kpipe's own layers."""
