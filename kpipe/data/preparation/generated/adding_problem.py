"""Numbers of which two are marked, and the sum of the two."""

from __future__ import annotations

import numpy as np


def draw(count: int, length: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Numbers in [0, 1) beside their marks, 0 or 1 (count, length, 2), and the sums (count, 1), float32.

    One mark is in the first half, one in the second, so that something has to be kept over many steps.
    """
    numbers = generator.uniform(0.0, 1.0, (count, length)).astype("float32")
    marks = np.zeros_like(numbers)
    rows = np.arange(count)
    marks[rows, generator.integers(0, length // 2, count)] = 1
    marks[rows, generator.integers(length // 2, length, count)] = 1
    return np.stack([numbers, marks], axis=-1), (numbers * marks).sum(axis=1, keepdims=True)
