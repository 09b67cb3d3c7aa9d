"""RelativeToLast: a sequence as differences from its last step."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("kpipe")
class RelativeToLast(keras.layers.Layer):  # type: ignore[misc]
    """``x_t - x_last``, so that the level of a sequence drops out.

    Shapes: (batch, time, features) -> the same
    """

    def call(self, x: Any) -> Any:
        return x - x[:, -1:]
