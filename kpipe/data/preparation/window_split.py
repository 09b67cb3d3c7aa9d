"""Windows: a split whose examples are gathered from a series when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kpipe.data.splits import Batch


@dataclass(frozen=True)
class WindowSplit:
    """Of rows that follow each other, ``context`` go in and the ``horizon`` after them are to be forecast."""

    inputs: np.ndarray
    """what goes in, of the whole series (rows, features)"""
    values: np.ndarray
    """what is forecast, of the whole series (rows, values)"""
    first: int
    """the first row that is forecast"""
    count: int
    stride: int
    context: int
    horizon: int

    def __len__(self) -> int:
        return self.count

    @property
    def groups(self) -> tuple[np.ndarray, ...]:
        return (np.arange(self.count),)

    def take(self, indices: np.ndarray) -> Batch:
        """Windows at ``indices``, a negative one counted from the end as NumPy does."""
        begins = self.first + np.arange(self.count)[indices] * self.stride
        return {
            "sequence": self.inputs[begins[:, None] + np.arange(-self.context, 0)],
            "target": self.values[begins[:, None] + np.arange(self.horizon)],
        }
