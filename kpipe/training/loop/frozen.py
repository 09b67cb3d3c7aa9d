"""Frozen: which layers a stage trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase

import keras

from kpipe.errors import WrongInput


@contextmanager
def only_trainable(model: keras.Model, patterns: Sequence[str] | None) -> Iterator[None]:
    """Within, only layers whose name matches a pattern are trainable; afterwards all are as they were.

    Enter before ``compile``: a change after it is ignored by TensorFlow, raises on JAX and works at once on PyTorch.

    Raises: WrongInput: a pattern matches no layer that has weights.
    """
    layers = [layer for layer in model._flatten_layers(include_self=False) if layer.weights and not layer._layers]
    before = [(layer, layer.trainable) for layer in layers]
    for pattern in patterns or ():
        if not any(fnmatchcase(layer.name, pattern) for layer in layers):
            names = ", ".join(layer.name for layer in layers[:20])
            raise WrongInput(f"train.trainable: no layer matches `{pattern}`", f"layers with weights: {names}")
    try:
        if patterns is not None:
            for layer in layers:
                layer.trainable = any(fnmatchcase(layer.name, pattern) for pattern in patterns)
        yield
    finally:
        for layer, trainable in before:
            layer.trainable = trainable
