"""What is minimised and what is measured, as the target asks."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kpipe.signature import Target


@keras.saving.register_keras_serializable("kpipe")
class SmoothedCrossentropy(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy of class indices and logits against smoothed targets.

    A share ``label_smoothing`` of the target is spread evenly over all classes: with e of it,
    loss = -(1 - e) log p[class] - e mean_k log p[k].
    """

    def __init__(self, label_smoothing: float, name: str = "smoothed_crossentropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        log_probabilities = ops.log_softmax(y_pred, axis=-1)  # (batch, num_classes)
        uniform = ops.mean(log_probabilities, axis=-1)
        true_class = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        return (1 - self.label_smoothing) * true_class - self.label_smoothing * uniform

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("kpipe")
class ScaledSquaredError(keras.losses.Loss):  # type: ignore[misc]
    """Squared error of values over their variance on train, mean over values: 1 for who always says the mean.

    The unit of the target drops out, so learning rates and clipping mean the same for prices and for metres.
    """

    def __init__(self, variance: tuple[float, ...], name: str = "scaled_squared_error", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.variance = tuple(variance)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        deviation = np.sqrt([one if one > 0 else 1.0 for one in self.variance]).astype("float32")
        return ops.mean(ops.square(ops.divide(y_true - y_pred, deviation)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "variance": self.variance}


def loss_of(target: Target, label_smoothing: float = 0.0) -> keras.losses.Loss:
    """Of classes, tags and tokens cross-entropy; of labels binary cross-entropy; of numbers squared error over the
    variance of each."""
    if not target.is_discrete and target.task != "labels":
        return ScaledSquaredError(target.variance or (1.0,))
    if target.task == "labels":
        return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=label_smoothing)
    if label_smoothing:
        return SmoothedCrossentropy(label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def metrics_of(target: Target) -> list[keras.metrics.Metric]:
    """Of classes, tags and tokens accuracy; of labels accuracy of each at probability 0.5; of numbers the mean
    absolute error in their unit."""
    if target.is_discrete:
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    if target.task == "labels":
        return [keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)]
    return [keras.metrics.MeanAbsoluteError(name="mae")]
