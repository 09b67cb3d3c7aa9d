"""TokenEmbedding: from tokens to vectors."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kpipe")
class TokenEmbedding(keras.layers.Layer):  # type: ignore[misc]
    """A learned vector for each token, times sqrt(width), and the table of all of them, for who shares it.

    Shapes: (batch, time) int32 -> (batch, time, width), (tokens, width)

    Reference: A. Vaswani et al., 2017, Attention is all you need, section 3.4.
    """

    def __init__(self, tokens: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.tokens, self.width = tokens, width

    def build(self, numbers_shape: tuple[int | None, ...]) -> None:  # noqa: ARG002
        # scores of vectors of length sqrt(width) then begin with a deviation of 1
        spread = keras.initializers.RandomNormal(stddev=self.width**-0.5)
        self.table = self.add_weight(shape=(self.tokens, self.width), initializer=spread, name="table")

    def call(self, numbers: Any) -> tuple[Any, Any]:
        table = ops.convert_to_tensor(self.table)
        return ops.take(table, numbers, axis=0) * self.width**0.5, table

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "tokens": self.tokens, "width": self.width}
