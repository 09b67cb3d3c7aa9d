"""PyTorch's own kernels under Keras's layers, with the same weights and the same numbers; other engines need none."""
