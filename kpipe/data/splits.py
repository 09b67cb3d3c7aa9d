"""Splits: train, validation and test, each answering ``len()`` and ``take(indices)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from kpipe.signature import Signature

if TYPE_CHECKING:
    import numpy as np

    from kpipe.data.preparation.preparation import Preparation
    from kpipe.data.preparation.ragged import Ragged

Batch = Mapping[str, "np.ndarray"]
"""Arrays by name, all of the same length: one for each input of the signature, and one for the target."""

Columns = Mapping[str, "np.ndarray | Ragged"]
"""What a batch is taken from: arrays, and sequences of different lengths."""

NUM_BUCKETS = 4
"""Lengths that sequences are padded to: each is a shape, and JAX compiles anew for each."""
ROUND = 4
"""Lengths are rounded up to a multiple of this."""


class Split(Protocol):
    """A set of examples that gives any of them at once."""

    def __len__(self) -> int: ...

    @property
    def groups(self) -> tuple[np.ndarray, ...]:
        """The indices of the examples, those together whose batches have the same shape."""
        ...

    def take(self, indices: np.ndarray) -> Batch:
        """The examples at ``indices`` (any order, repeats allowed), gathered in one go.

        Where sequences are padded, -1 is an example that is not there: all padding, its target -1 or NaN.
        """
        ...


@dataclass(frozen=True)
class ArraySplit:
    """A split held in memory, in the dtype of its source (images stay uint8)."""

    arrays: Batch

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

    They follow the quantiles of the first column of sequences; every other is padded to what goes with it.
    """
    import numpy as np

    from kpipe.data.preparation.ragged import Ragged, join

    names = [name for name, column in parts[0].items() if isinstance(column, Ragged)]
    lengths = {name: join([part[name] for part in parts]).lengths for name in names}  # type: ignore[union-attr]
    leading = lengths[names[0]]
    quantiles = np.quantile(leading, np.linspace(0, 1, NUM_BUCKETS + 1)[1:], method="higher")
    bounds = sorted({-(-max(int(bound), 1) // ROUND) * ROUND for bound in quantiles})
    buckets: list[Bucket] = []
    for bound in bounds:
        held = leading <= bound
        room = {name: int(each[held].max(initial=1)) for name, each in lengths.items()}
        buckets.append(Bucket({name: -(-length // ROUND) * ROUND for name, length in room.items()} | {names[0]: bound}))
    return tuple(buckets)


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
