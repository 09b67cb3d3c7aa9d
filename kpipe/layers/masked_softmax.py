"""Masked softmax: weights of what is there, for every layer that attends."""

from __future__ import annotations

from typing import Any

from keras import ops

ABSENT = -1e9
"""A score whose exponential is 0 beside any other. Finite, so that a row of nothing else is no NaN."""


def masked_softmax(scores: Any, there: Any = None) -> Any:
    """Softmax over the last axis of the scores that are ``there``, in float32 at any precision.

    What is not there has weight 0; a row of nothing else is zeros, and no gradient goes there.

    Shapes: (..., n), boolean of a shape that broadcasts to it, or None for all -> (..., n)
    """
    scores = ops.cast(scores, "float32")
    if there is None:
        return ops.softmax(scores, axis=-1)
    return ops.where(there, ops.softmax(ops.where(there, scores, ABSENT), axis=-1), 0.0)
