"""Sparsity: a penalty on activations, so that few of them are far from zero at a time."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kpipe")
class Sparsity(keras.layers.Layer):  # type: ignore[misc]
    """Adds ``penalty`` times the mean absolute input to the loss, and passes the input on.

    The mean, unlike Keras's activity regularizers, which take the sum, so that neither the batch size nor the number
    of units changes what the penalty means.

    Shapes: any -> the same
    Reference: B. Olshausen and D. Field, 1996, Emergence of simple-cell receptive field properties.
    """

    def __init__(self, penalty: float, **layer: Any) -> None:
        super().__init__(**layer)
        self.penalty = penalty
        self.built = True

    def call(self, inputs: Any) -> Any:
        self.add_loss(self.penalty * ops.mean(ops.abs(ops.cast(inputs, "float32"))))
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "penalty": self.penalty}
