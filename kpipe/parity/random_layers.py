"""Random layers: those that draw numbers in training. Two compared passes had better not depend on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from kpipe.parity.calls import Call, wrapped

RATES = ("rate", "amount", "dropout", "recurrent_dropout")


def draws(layer: keras.layers.Layer) -> bool:
    """Whether a layer that has a seed generator makes use of it in training: at a rate of 0 it does not."""
    if not layer._seed_generators or not layer._call_has_training_arg:
        return False
    if getattr(layer, "sampling", None) is False:  # a decoder that is fed true tokens alone
        return False
    rates = [getattr(layer, name) for name in RATES if isinstance(getattr(layer, name, None), (int, float))]
    return any(rates) if rates else True


@contextmanager
def switched_off(model: keras.Model, leave_on: bool = False) -> Iterator[tuple[str, ...]]:
    """Within, layers that draw are called as in evaluation, all others as in training; gives their paths.

    With ``leave_on`` it only gives their paths.
    """
    random = [layer for layer in model._flatten_layers() if draws(layer)]
    with wrapped([] if leave_on else random, as_in_evaluation):
        yield tuple(dict.fromkeys(layer.path or layer.name for layer in random))


def as_in_evaluation(layer: keras.layers.Layer, call: Call) -> Call:  # noqa: ARG001
    def call_so(*inputs: Any, **options: Any) -> Any:
        return call(*inputs, **{**options, "training": False})

    return call_so
