"""LastState: what a recurrent layer knows at the end of a sequence."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kpipe")
class LastState(keras.layers.Layer):  # type: ignore[misc]
    """The output of the last real step; of a layer in both directions, the end of each.

    With ``both_directions`` the first half of the features is taken from the last step and the second half, read
    backwards, from the first.

    Shapes: (batch, time, features), (batch, time) boolean -> (batch, features)
    """

    def __init__(self, both_directions: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True  # it takes the mask as an input
        self.both_directions = both_directions

    def call(self, x: Any, there: Any = None) -> Any:
        """Padding, where ``there`` is False, is at the end."""
        if there is None:
            last = x[:, -1]
        else:
            number = ops.sum(ops.cast(there, "int32"), axis=1, keepdims=True)  # (batch, 1)
            chosen = ops.equal(ops.arange(ops.shape(x)[1])[None], number - 1)
            last = ops.sum(ops.where(chosen[..., None], x, 0.0), axis=1)
        if not self.both_directions:
            return last
        half = x.shape[-1] // 2
        return ops.concatenate([last[:, :half], x[:, 0, half:]], axis=-1)

    def compute_mask(self, *inputs: Any, **kwargs: Any) -> None:
        """Nothing of the steps is left."""

    def compute_output_spec(self, x: Any, there: Any = None) -> keras.KerasTensor:  # noqa: ARG002
        return keras.KerasTensor((x.shape[0], x.shape[-1]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "both_directions": self.both_directions}
