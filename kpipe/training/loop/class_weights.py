"""Class weights: how much an example counts in the loss, by its class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from kpipe.examples import Examples
from kpipe.signature import Target
from kpipe.training.class_names import require_classes

CHUNK = 8192


def class_weights(
    wanted: Literal["balanced"] | Mapping[str, float] | None, target: Target, split: Examples
) -> np.ndarray | None:
    """A weight for each class, or None when all count the same.

    balanced: examples / (num_classes x examples of the class), so that every class has the same say and the mean is 1.

    Raises: WrongInput: the target has no classes, or not one of that name.
    """
    if wanted is None:
        return None
    require_classes(wanted, target)
    if wanted == "balanced":
        counts = np.zeros(target.size, np.int64)
        for begin in range(0, len(split), CHUNK):
            indices = np.arange(begin, min(begin + CHUNK, len(split)))
            found = split.take(indices)[target.name].reshape(-1)
            counts += np.bincount(found[found >= 0], minlength=target.size)
        return np.asarray(counts.sum() / (target.size * np.maximum(counts, 1)), np.float32)
    return np.array([wanted.get(name, 1.0) for name in target.names], np.float32)
