"""Sinusoidal: positions as sines and cosines (rotary ones: see attention)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.layers.attention import WAVELENGTH


@keras.saving.register_keras_serializable("kpipe")
class Sinusoidal(keras.layers.Layer):  # type: ignore[misc]
    """Adds sines and cosines of the position, of any length:
    feature 2i: ``sin(position / 10000^(2i / width))``, feature 2i + 1: the cosine.

    Shapes: (batch, time, width) -> the same; ``first`` is the position of the first step

    Reference: A. Vaswani et al., 2017, Attention is all you need.
    """

    def call(self, x: Any, first: Any = 0) -> Any:
        half = x.shape[-1] // 2
        steps = ops.cast(first, "float32") + ops.arange(ops.shape(x)[1], dtype="float32")
        rates = WAVELENGTH ** (-ops.arange(half, dtype="float32") / half)
        angles = steps[:, None] * rates
        waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)  # (time, half, 2)
        return x + ops.cast(ops.reshape(waves, (1, -1, 2 * half)), x.dtype)

    def compute_output_shape(self, x_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return x_shape
