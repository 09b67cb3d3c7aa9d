"""Splits: train, validation and test, each answering ``len()`` and ``take(indices)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from kpipe.examples import Examples
from kpipe.signature import Signature

if TYPE_CHECKING:
    import numpy as np

    from kpipe.data.preparation.preparation import Preparation
    from kpipe.data.preparation.ragged import Ragged
    from kpipe.data.preparation.stored import Stored

Batch = Mapping[str, "np.ndarray"]
"""Arrays by name, all of the same length: one for each input of the signature, and one for the target."""

Columns = Mapping[str, "np.ndarray | Ragged"]
"""What a batch is taken from: arrays, and sequences of different lengths."""

NUM_BUCKETS = 4
"""Lengths that sequences are padded to: each is a shape, and JAX compiles anew for each."""
ROUND = 4
"""Lengths are rounded up to a multiple of this."""
WORTH = 0.02
"""A further bucket must save this part of the steps that one alone would have."""
MOST_SIZES = 512
"""Of very long sequences, so many lengths are looked at, evenly apart."""


class Split(Examples, Protocol):
    """A part of the data: train, validation or test."""


@dataclass(frozen=True)
class ArraySplit:
    """A split of arrays in memory or in files, in the dtype of its source (images stay uint8)."""

    arrays: Mapping[str, np.ndarray | Stored]

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    @property
    def groups(self) -> tuple[np.ndarray, ...]:
        import numpy as np

        return (np.arange(len(self)),)

    def take(self, indices: np.ndarray) -> Batch:
        return {name: array[indices] for name, array in self.arrays.items()}


@dataclass(frozen=True)
class Bucket:
    """What sequences of a batch are padded to: a length for each column of sequences."""

    lengths: Mapping[str, int]


@dataclass(frozen=True)
class RaggedSplit:
    """A split of sequences of different lengths. A batch is padded to the smallest bucket that holds all of it."""

    columns: Columns
    buckets: tuple[Bucket, ...]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @cached_property
    def bucket_of(self) -> np.ndarray:
        """The smallest bucket that holds each example (examples,)."""
        import numpy as np

        from kpipe.data.preparation.ragged import Ragged

        smallest = np.zeros(len(self), np.int64)
        for name, column in self.columns.items():
            if isinstance(column, Ragged):
                bounds = [bucket.lengths[name] for bucket in self.buckets]
                needed = np.searchsorted(bounds, column.lengths)
                smallest = np.maximum(smallest, np.minimum(needed, len(bounds) - 1))
        return smallest

    @cached_property
    def groups(self) -> tuple[np.ndarray, ...]:
        import numpy as np

        groups = (np.flatnonzero(self.bucket_of == bucket) for bucket in range(len(self.buckets)))
        return tuple(group for group in groups if len(group))

    def take(self, indices: np.ndarray) -> Batch:
        import numpy as np

        from kpipe.data.preparation.ragged import Ragged

        there = indices[indices >= 0]
        bucket = self.buckets[int(self.bucket_of[there].max()) if len(there) else 0]
        batch: dict[str, np.ndarray] = {}
        for name, column in self.columns.items():
            if isinstance(column, Ragged):
                batch[name] = column.padded(indices, bucket.lengths[name])
            else:
                batch[name] = column[indices]
                batch[name][indices < 0] = np.nan if column.dtype.kind == "f" else -1
        return batch


def buckets_of(*parts: Columns) -> tuple[Bucket, ...]:
    """A few lengths that hold the sequences of all ``parts``, so that batches have few shapes and little padding.

    They are those that pad the first column of sequences least; every other is padded to what goes with it.
    """
    from kpipe.data.preparation.ragged import Ragged, join

    names = [name for name, column in parts[0].items() if isinstance(column, Ragged)]
    lengths = {name: join([part[name] for part in parts]).lengths for name in names}  # type: ignore[union-attr]
    leading = lengths[names[0]]
    buckets: list[Bucket] = []
    for bound in bounds_of(leading):
        held = leading <= bound
        beside = {name: each for name, each in lengths.items() if (each != leading).any()}
        room = {name: -(-int(each[held].max(initial=1)) // ROUND) * ROUND for name, each in beside.items()}
        buckets.append(Bucket(dict.fromkeys(names, bound) | room))  # those as long as the first are padded like it
    return tuple(buckets)


def bounds_of(lengths: np.ndarray) -> list[int]:
    """At most NUM_BUCKETS multiples of ROUND, the last above all ``lengths``, so that padding to them adds least.

    Found exactly: the least number of steps in the first j sizes with k bounds, for each j and k in turn. A bound
    that would save less than WORTH of all steps is not made.
    """
    import numpy as np

    unit = ROUND * -(-max(int(lengths.max()), 1) // (ROUND * MOST_SIZES))
    sizes, counts = np.unique(-(-np.maximum(lengths, 1) // unit) * unit, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)])  # examples of the first j sizes
    least = [below[1:] * sizes]  # with one bound, the j-th size
    chosen: list[np.ndarray] = []
    for _ in range(min(NUM_BUCKETS, len(sizes)) - 1):
        # with one bound more: the one before it is the i-th size, and what lies between is padded to the j-th
        steps = least[-1][:, None] + (below[None, 1:] - below[1:, None]) * sizes[None, :]
        steps[np.tri(len(sizes), dtype=bool)] = np.iinfo(np.int64).max // 2
        chosen.append(steps.argmin(axis=0))
        least.append(steps.min(axis=0))
    totals = [int(each[-1]) for each in least]
    enough = next(number for number, total in enumerate(totals) if total - min(totals) <= WORTH * totals[0])
    place, bounds = len(sizes) - 1, [int(sizes[-1])]
    for before in reversed(chosen[:enough]):
        place = int(before[place])
        bounds.append(int(sizes[place]))
    return bounds[::-1]


def split_of(columns: Columns, buckets: tuple[Bucket, ...] = ()) -> Split:
    """A split of ``columns``; sequences of different lengths are padded to ``buckets``, by default to their own."""
    from kpipe.data.preparation.ragged import Ragged

    arrays = {name: column for name, column in columns.items() if not isinstance(column, Ragged)}
    return ArraySplit(arrays) if len(arrays) == len(columns) else RaggedSplit(columns, buckets or buckets_of(columns))


@dataclass(frozen=True)
class Splits:
    """What a source loads.

    ``preparation`` turns raw input (an image file, a table's rows) into what the model takes, as it was done here.
    ``fingerprint`` is a SHA-256 over the data of all three splits; ``skipped`` names what ``on_error: skip`` left out.
    ``facts`` are lines for ``kpipe show``: lengths, unknown tokens.
    """

    train: Split
    validation: Split
    test: Split
    signature: Signature
    preparation: Preparation
    fingerprint: str
    origin: str
    skipped: tuple[str, ...] = field(default=())
    facts: tuple[str, ...] = field(default=())

    def __iter__(self) -> Iterator[tuple[str, Split]]:
        return iter((("train", self.train), ("validation", self.validation), ("test", self.test)))

    def named(self, name: str) -> Split:
        return dict(self)[name]
