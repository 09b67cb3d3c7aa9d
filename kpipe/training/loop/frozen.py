"""Frozen: which layers a stage trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase

import keras

from kpipe.errors import WrongInput


@contextmanager
def only_trainable(model: keras.Model, patterns: Sequence[str] | None) -> Iterator[None]:
    """Within, only layers that match a pattern are trainable; afterwards all are as they were.

    A pattern matches a layer by its own name, or by the name of a block or wrapper that it is part of.

    Enter before ``compile``: a change after it is ignored by TensorFlow, raises on JAX and works at once on PyTorch.

    Raises: WrongInput: a pattern matches no layer that has weights.
    """
    names = names_of(model)
    before = [(layer, layer.trainable) for layer in names]
    for pattern in patterns or ():
        if not any(fnmatchcase(name, pattern) for found in names.values() for name in found):
            shown = ", ".join([layer.name for layer in model.layers if layer.weights][:20])
            raise WrongInput(f"train.trainable: no layer matches `{pattern}`", f"layers with weights: {shown}")
    try:
        if patterns is not None:
            for layer, found in names.items():
                layer.trainable = any(fnmatchcase(name, pattern) for name in found for pattern in patterns)
        yield
    finally:
        for layer, trainable in before:
            layer.trainable = trainable


def names_of(model: keras.Model) -> dict[keras.layers.Layer, set[str]]:
    """Each layer that holds weights itself, with its name and those of all that it is part of, within the model."""
    found: dict[keras.layers.Layer, set[str]] = {}

    def look(layer: keras.layers.Layer, above: frozenset[str]) -> None:
        names = above | {layer.name}
        for part in layer._layers:
            look(part, names)
        if layer.weights and not layer._layers:
            found.setdefault(layer, set()).update(names)

    for layer in model.layers:
        look(layer, frozenset())
    return found
