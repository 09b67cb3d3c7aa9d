"""Calls: what layers do when they are called, changed for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

Call = Callable[..., Any]


@contextmanager
def wrapped(layers: Sequence[keras.layers.Layer], wrap: Callable[[keras.layers.Layer, Call], Call]) -> Iterator[None]:
    """Within, each layer's ``call`` is what ``wrap`` makes of it; these may stand within each other."""
    before = [(layer, vars(layer).get("call")) for layer in layers]
    for layer in layers:
        layer.call = wrap(layer, layer.call)
    try:
        yield
    finally:
        for layer, own in before:
            if own is None:
                del layer.call
            else:
                layer.call = own
