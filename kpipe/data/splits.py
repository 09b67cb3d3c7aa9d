"""Splits: train, validation and test, each answering ``len()`` and ``take(indices)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kpipe.signature import Signature

if TYPE_CHECKING:
    import numpy as np

    from kpipe.data.preparation.preparation import Preparation

Batch = Mapping[str, "np.ndarray"]
"""Arrays by name, all of the same length: one for each input of the signature, and one for the target."""


class Split(Protocol):
    """A set of examples that gives any of them at once."""

    def __len__(self) -> int: ...

    def take(self, indices: np.ndarray) -> Batch:
        """The examples at ``indices`` (any order, repeats allowed), gathered in one go."""
        ...


@dataclass(frozen=True)
class ArraySplit:
    """A split held in memory, in the dtype of its source (images stay uint8)."""

    arrays: Batch

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def take(self, indices: np.ndarray) -> Batch:
        return {name: array[indices] for name, array in self.arrays.items()}


@dataclass(frozen=True)
class Splits:
    """What a source loads.

    ``preparation`` turns raw input (an image file, a table's rows) into what the model takes, as it was done here.
    ``fingerprint`` is a SHA-256 over the data of all three splits; ``skipped`` names what ``on_error: skip`` left out.
    """

    train: Split
    validation: Split
    test: Split
    signature: Signature
    preparation: Preparation
    fingerprint: str
    origin: str
    skipped: tuple[str, ...] = field(default=())

    def __iter__(self) -> Iterator[tuple[str, Split]]:
        return iter((("train", self.train), ("validation", self.validation), ("test", self.test)))

    def named(self, name: str) -> Split:
        return dict(self)[name]
