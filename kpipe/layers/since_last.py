"""SinceLast: changes added to the values last seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable("kpipe")
class SinceLast(keras.layers.Layer):  # type: ignore[misc]
    """``changes * deviation + the last step seen``; ``places`` says where each value stands among the features.

    Shapes: changes (batch, horizon, values), seen (batch, time, features) -> (batch, horizon, values)
    """

    def __init__(self, places: Sequence[int], deviations: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places, self.deviations = list(places), list(deviations)

    def call(self, changes: Any, seen: Any) -> Any:
        deviations = keras.ops.convert_to_tensor(self.deviations, self.compute_dtype)
        last = keras.ops.take(seen[:, -1:], keras.ops.convert_to_tensor(self.places, "int32"), axis=-1)
        return changes * deviations + last

    def compute_output_spec(self, changes: Any, seen: Any) -> keras.KerasTensor:  # noqa: ARG002
        return keras.KerasTensor(changes.shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "places": self.places, "deviations": self.deviations}
