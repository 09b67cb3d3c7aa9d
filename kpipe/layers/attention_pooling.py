"""AttentionPooling: the mean of a sequence's steps, weighed by what was learned to matter."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.layers.masked_softmax import masked_softmax


@keras.saving.register_keras_serializable("kpipe")
class AttentionPooling(keras.layers.Layer):  # type: ignore[misc]
    """One learned query looks at all steps: weights = softmax(v . tanh(W x + b)), pooled = sum(weights * x).

    Steps that are not there have weight 0; a row without any step gives 0. The weights are those of one head and one
    query.

    Shapes: (batch, time, features), (batch, time) boolean -> (batch, features), weights (batch, 1, 1, time)

    Reference: Z. Yang et al., 2016, Hierarchical attention networks for document classification.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True  # it takes the mask as an input
        self.units = units
        self.hidden = keras.layers.Dense(units, activation="tanh", dtype=self.dtype_policy, name="hidden")
        self.score = keras.layers.Dense(1, use_bias=False, dtype=self.dtype_policy, name="score")

    def build(self, x_shape: Any, there_shape: Any = None) -> None:  # noqa: ARG002
        self.hidden.build(x_shape)
        self.score.build((*x_shape[:-1], self.units))

    def call(self, x: Any, there: Any = None) -> tuple[Any, Any]:
        weights = masked_softmax(self.score(self.hidden(x))[..., 0], there)  # (batch, time)
        pooled = ops.sum(x * ops.cast(weights, x.dtype)[..., None], axis=1)
        return pooled, weights[:, None, None]

    def compute_mask(self, *inputs: Any, **kwargs: Any) -> None:
        """Nothing of the steps is left."""

    def compute_output_spec(self, x: Any, there: Any = None) -> tuple[keras.KerasTensor, keras.KerasTensor]:  # noqa: ARG002
        batch, time, features = x.shape
        pooled = keras.KerasTensor((batch, features), self.compute_dtype)
        return pooled, keras.KerasTensor((batch, 1, 1, time), "float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
