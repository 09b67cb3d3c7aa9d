"""TokenMask: where a padded sequence of tokens has tokens."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.tokenization.special import PADDING


@keras.saving.register_keras_serializable("kpipe")
class TokenMask(keras.layers.Layer):  # type: ignore[misc]
    """True where there is a token, False on padding.

    With ``at_least_one`` the first step counts even in a row of nothing but padding, such as those that fill up a
    batch: means and softmaxes over it are numbers, and Keras's recurrent layers on a GPU refuse rows without any.

    Shapes: (batch, time) int32 -> (batch, time) boolean
    """

    def __init__(self, at_least_one: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.at_least_one = at_least_one

    def call(self, tokens: Any) -> Any:
        there = ops.not_equal(tokens, PADDING)
        if not self.at_least_one:
            return there
        return ops.logical_or(there, ops.equal(ops.arange(ops.shape(tokens)[1], dtype="int32"), 0))

    def compute_output_spec(self, tokens: Any) -> keras.KerasTensor:
        return keras.KerasTensor(tokens.shape, "bool")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "at_least_one": self.at_least_one}
