"""Outputs: what each layer gives in one pass through a model, those within other layers too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from kpipe.parity.calls import Call, wrapped
from kpipe.parity.measurement import numbered

KEPT = 2**21
"""Numbers kept of each output, at most: those of the first examples."""


def outputs_of(model: keras.Model, inputs: Any) -> dict[str, np.ndarray]:
    """Each layer's output in a pass as in training, by path, in the order in which they were computed.

    Computed operation by operation, not compiled, so that a difference has one place.
    """
    found: list[tuple[str, np.ndarray]] = []

    def noting(layer: keras.layers.Layer, call: Call) -> Call:
        def call_and_note(*given: Any, **options: Any) -> Any:
            output = call(*given, **options)
            tensors = [one for one in keras.tree.flatten(output) if keras.ops.is_tensor(one)]
            found.extend((layer.path or layer.name, first_of(one)) for one in tensors if is_there(one))
            return output

        return call_and_note

    with wrapped(list(within(model)), noting):
        model(keras.tree.map_structure(keras.ops.convert_to_tensor, inputs), training=True)
    return dict(zip(numbered([name for name, _ in found]), (array for _, array in found), strict=True))


def within(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """All layers in it, but for the cells of recurrent layers, which work within a loop."""
    seen: set[int] = set()
    waiting = list(layer._layers)
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [] if isinstance(one, keras.layers.RNN) else one._layers


def is_there(tensor: Any) -> bool:
    """It has a value: within a loop that is being compiled it has none."""
    if keras.backend.backend() != "jax":
        return True
    import jax

    return not isinstance(tensor, jax.core.Tracer)


def first_of(tensor: Any) -> np.ndarray:
    array = np.array(keras.ops.convert_to_numpy(tensor))
    if array.ndim == 0 or array.size <= KEPT:
        return array
    return array[: max(1, KEPT // (array.size // len(array)))]
