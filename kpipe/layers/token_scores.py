"""TokenScores: from vectors to tokens, with the numbers of an embedding."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kpipe")
class TokenScores(keras.layers.Layer):  # type: ignore[misc]
    """Logits of each token: the product with its vector in the table of an embedding, ``x E^T``.

    Shapes: (batch, time, width), (tokens, width) -> (batch, time, tokens)

    Reference: O. Press and L. Wolf, 2017, Using the output embedding to improve language models.
    """

    def call(self, x: Any, table: Any) -> Any:
        return ops.matmul(x, ops.transpose(table))
