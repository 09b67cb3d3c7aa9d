"""Masking: losses and metrics that look away where there is no target.

Padded steps and the rows that fill up a batch have a target of -1 (classes, tokens) or NaN (numbers). They count
in no sum and in no number of terms, so that padding changes neither loss nor metric.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.tokenization.special import IGNORED


def present(y_true: Any, discrete: bool) -> tuple[Any, Any]:
    """Where there is a target, and the targets with a harmless number where there is none.

    Keras casts indices to floats, so the dtype does not tell which they are.
    """
    there = ops.not_equal(y_true, IGNORED) if discrete else ops.logical_not(ops.isnan(y_true))
    return there, ops.where(there, y_true, ops.zeros_like(y_true))


def each(there: Any, rank: int) -> Any:
    """The mask of whole terms: those of several numbers are there or not as one."""
    while len(there.shape) > rank:
        there = ops.any(there, axis=-1)
    return there


@keras.saving.register_keras_serializable("kpipe")
class MaskedLoss(keras.losses.Loss):  # type: ignore[misc]
    """The mean of another loss over the terms that are there: sum(mask * loss) / sum(mask); 0 where none is."""

    def __init__(self, inner: keras.losses.Loss, discrete: bool, name: str = "masked_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.inner, self.discrete = inner, discrete

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        # Keras lets outputs of recurrent layers carry the mask of their steps, and would divide by these once more;
        # a copy carries none
        return super().__call__(y_true, ops.copy(y_pred), sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        there, safe = present(y_true, self.discrete)
        losses = self.inner.call(safe, y_pred)  # (batch,) or (batch, time)
        mask = ops.cast(each(there, len(losses.shape)), losses.dtype)
        # Keras divides by the number of all terms afterwards
        return losses * mask * (ops.cast(ops.size(mask), losses.dtype) / ops.maximum(ops.sum(mask), 1.0))

    def get_config(self) -> dict[str, Any]:
        inner = keras.saving.serialize_keras_object(self.inner)
        return {**super().get_config(), "inner": inner, "discrete": self.discrete}


@keras.saving.register_keras_serializable("kpipe")
class MaskedMetric(keras.metrics.Metric):  # type: ignore[misc]
    """Another metric over the terms that are there."""

    def __init__(self, inner: keras.metrics.Metric, discrete: bool) -> None:
        super().__init__(name=inner.name, dtype=inner.dtype)
        self.inner, self.discrete = inner, discrete

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        there, safe = present(y_true, self.discrete)
        rank = len(y_true.shape) if len(y_true.shape) < len(y_pred.shape) else len(y_true.shape) - 1
        mask = ops.cast(each(there, rank), "float32")
        if sample_weight is not None:
            mask = mask * ops.cast(sample_weight, "float32")
        if len(mask.shape) > 1:  # steps count alike, however long their batch is; Keras would average each row first
            mask, safe = ops.reshape(mask, (-1,)), ops.reshape(safe, (-1,))
            y_pred = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        self.inner.update_state(safe, y_pred, sample_weight=mask)

    def result(self) -> Any:
        return self.inner.result()

    def reset_state(self) -> None:
        self.inner.reset_state()

    def get_config(self) -> dict[str, Any]:
        return {"inner": keras.saving.serialize_keras_object(self.inner), "discrete": self.discrete}
