"""Patches: an image as a sequence of small squares."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kpipe")
class Patches(keras.layers.Layer):  # type: ignore[misc]
    """Cuts images into squares of ``size`` pixels, row by row.

    Shapes: (batch, height, width, channels) -> (batch, height / size * width / size, size * size * channels)

    Reference: A. Dosovitskiy et al., 2021, An image is worth 16x16 words.
    """

    def __init__(self, size: int, **options: Any) -> None:
        super().__init__(**options)
        self.size = size

    def call(self, images: Any) -> Any:
        height, width, channels = images.shape[1:]
        rows, columns, size = height // self.size, width // self.size, self.size
        cut = ops.reshape(images, (-1, rows, size, columns, size, channels))
        return ops.reshape(ops.transpose(cut, (0, 1, 3, 2, 4, 5)), (-1, rows * columns, size * size * channels))

    def compute_output_shape(self, images_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, channels = images_shape
        assert height
        assert width
        assert channels
        squares = (height // self.size) * (width // self.size)
        return batch, squares, self.size * self.size * channels

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}
