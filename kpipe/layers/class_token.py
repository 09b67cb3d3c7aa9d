"""ClassToken: a learned step put before all others, where the answer is read."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kpipe")
class ClassToken(keras.layers.Layer):  # type: ignore[misc]
    """Puts one learned vector before a sequence and, where there is a mask, a step that is there before the mask.

    Shapes: (batch, time, width), (batch, time) boolean -> (batch, 1 + time, width), (batch, 1 + time) boolean

    Reference: J. Devlin et al., 2019, BERT: pre-training of deep bidirectional Transformers.
    """

    def build(self, x_shape: tuple[int | None, ...]) -> None:
        spread = keras.initializers.RandomNormal(stddev=0.02)
        self.vector = self.add_weight(shape=(1, 1, x_shape[-1]), initializer=spread, name="vector")

    def call(self, x: Any, valid: Any = None) -> Any:
        batch = ops.shape(x)[0]
        first = ops.broadcast_to(ops.cast(self.vector, x.dtype), (batch, 1, x.shape[-1]))
        x = ops.concatenate([first, x], axis=1)
        return x if valid is None else (x, ops.concatenate([ops.ones((batch, 1), dtype="bool"), valid], axis=1))
