"""MaskedPooling: the mean or the greatest of each feature over the real steps of a sequence."""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

FAR_BELOW = -3e4
"""Below anything a layer gives, and still a number in float16."""


@keras.saving.register_keras_serializable("kpipe")
class MaskedPooling(keras.layers.Layer):  # type: ignore[misc]
    """The mean or the greatest over the steps that are there; of a row without any it is 0.

    Shapes: (batch, time, features), (batch, time) boolean -> (batch, features)
    """

    def __init__(self, how: Literal["mean", "max"], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True  # it takes the mask as an input
        self.how = how

    def call(self, x: Any, there: Any = None) -> Any:
        if there is None:
            return ops.mean(x, axis=1) if self.how == "mean" else ops.max(x, axis=1)
        real = there[..., None]
        # in float32, for a bfloat16 cannot count beyond 256, nor a float16 hold a sum beyond 65504
        count = ops.sum(ops.cast(real, "float32"), axis=1)  # (batch, 1)
        if self.how == "mean":
            total = ops.sum(ops.where(real, ops.cast(x, "float32"), 0.0), axis=1)
            return ops.cast(total / ops.maximum(count, 1.0), x.dtype)
        return ops.where(count > 0, ops.max(ops.where(real, x, FAR_BELOW), axis=1), 0.0)

    def compute_mask(self, *inputs: Any, **kwargs: Any) -> None:
        """Nothing of the steps is left."""

    def compute_output_spec(self, x: Any, there: Any = None) -> keras.KerasTensor:  # noqa: ARG002
        return keras.KerasTensor((x.shape[0], x.shape[-1]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "how": self.how}
