"""Learned: positions as vectors that are learned."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.errors import WrongInput


@keras.saving.register_keras_serializable("kpipe")
class Learned(keras.layers.Layer):  # type: ignore[misc]
    """Adds a learned vector for each position, of which there are ``length``.

    Shapes: (batch, time, width) -> the same; ``first`` is the position of the first step

    Raises: WrongInput: a longer sequence.

    Reference: J. Gehring et al., 2017, Convolutional sequence to sequence learning.
    """

    def __init__(self, length: int, **options: Any) -> None:
        super().__init__(**options)
        self.length = length

    def build(self, x_shape: tuple[int | None, ...]) -> None:
        spread = keras.initializers.RandomNormal(stddev=0.1)
        self.vectors = self.add_weight(shape=(self.length, x_shape[-1]), initializer=spread, name="vectors")

    def call(self, x: Any, first: Any = 0) -> Any:
        time = x.shape[1]
        if isinstance(time, int) and time > self.length:
            raise WrongInput(
                f"a sequence of {time} steps, but the positions that were learned end at {self.length}",
                "shorten it, or train with `positions: sinusoidal` or `rotary`, which have no end",
            )
        places = ops.cast(first, "int32") + ops.arange(ops.shape(x)[1], dtype="int32")
        return x + ops.cast(ops.take(self.vectors, places, axis=0), x.dtype)

    def compute_output_shape(self, x_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return x_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "length": self.length}
