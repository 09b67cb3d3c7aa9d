"""Ragged: sequences of different lengths, held one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Ragged:
    """``values`` of all sequences (steps,), where each begins and the last ends (examples + 1,), and the padding."""

    values: np.ndarray
    offsets: np.ndarray
    padding: int

    @classmethod
    def of(cls, sequences: Iterable[Sequence[int] | np.ndarray], padding: int) -> Ragged:
        """From one sequence of whole numbers an example."""
        arrays = [np.asarray(sequence, np.int32) for sequence in sequences]
        offsets = np.concatenate([[0], np.cumsum([len(array) for array in arrays], dtype=np.int64)])
        return cls(np.concatenate([*arrays, np.zeros(0, np.int32)]), offsets, padding)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> np.ndarray:
        """(examples,)"""
        return np.diff(self.offsets)

    def padded(self, indices: np.ndarray, length: int) -> np.ndarray:
        """The sequences at ``indices`` (n, length); one at a negative index is all padding, a longer one is cut."""
        steps = np.arange(length)
        sizes = np.where(indices < 0, 0, self.lengths[indices])
        there = steps < sizes[:, None]
        places = np.minimum(self.offsets[indices][:, None] + steps, max(len(self.values) - 1, 0))
        if not len(self.values):
            return np.full((len(indices), length), self.padding, self.values.dtype)
        return np.asarray(np.where(there, self.values[places], self.padding), self.values.dtype)

    def __getitem__(self, indices: np.ndarray) -> Ragged:
        """Some of the sequences, in the order given."""
        lengths = self.lengths[indices]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.offsets[indices] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Ragged(self.values[places], offsets, self.padding)

    def at(self, index: int) -> np.ndarray:
        """One sequence."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]


def join(parts: Sequence[np.ndarray | Ragged]) -> np.ndarray | Ragged:
    """Arrays, or sequences, one after the other."""
    first = parts[0]
    if not isinstance(first, Ragged):
        return np.concatenate(parts)  # type: ignore[arg-type]
    ragged = [part for part in parts if isinstance(part, Ragged)]
    starts = np.cumsum([0, *(len(part.values) for part in ragged)])
    offsets = [part.offsets[:-1] + start for part, start in zip(ragged, starts, strict=False)]
    return Ragged(
        np.concatenate([part.values for part in ragged]), np.concatenate([*offsets, starts[-1:]]), first.padding
    )
