"""Chance: while a model is trained, what Keras's layers draw is the same on every backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from kpipe.layers import stateless_random


@contextmanager
def same_on_every_backend() -> Iterator[None]:
    """Within it, dropout (of recurrent layers too) and the parameters of augmentation are drawn by kpipe.

    What a layer draws depends on the state of its seed generator alone, which `reseed` sets and checkpoints keep. Keras
    asks its backend's generator, and each backend has another.
    """
    from keras.src.backend import random

    dropout, uniform = random.dropout, random.uniform

    def drop(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
        if not isinstance(seed, keras.random.SeedGenerator) or not 0 < rate < 1:
            return dropout(inputs, rate, noise_shape, seed)
        shape = ops.shape(inputs)
        if noise_shape is not None:
            shape = tuple(side if given is None else given for side, given in zip(shape, noise_shape, strict=True))
        # a word is one of 2^32 numbers from -2^31 on, each as likely
        least = min(round(rate * 2**32), 2**32 - 1) - 2**31
        kept = ops.greater_equal(stateless_random.words(shape, seed.next()), stateless_random.integer(least))
        return ops.where(kept, inputs * (1 / (1 - rate)), ops.zeros_like(inputs))

    def draw(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        if not isinstance(seed, keras.random.SeedGenerator):
            return uniform(shape, minval, maxval, dtype, seed)
        drawn = ops.cast(stateless_random.uniform(shape, seed.next()), dtype or keras.config.floatx())
        return minval + (maxval - minval) * drawn

    random.dropout, random.uniform = drop, draw
    try:
        yield
    finally:
        random.dropout, random.uniform = dropout, uniform
