"""Shares: what each device gets of a batch, so that all of them together learn what one would from the whole."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from kpipe.errors import WrongInput
from kpipe.tokenization.special import IGNORED


def shares(batch: tuple[Any, ...], number: int, padded: bool) -> list[tuple[Any, ...]]:
    """A batch's rows in ``number`` shares as equal as they can be; the last may be smaller.

    A share's loss counts by its rows. Where sequences are padded it is the mean over the targets that are there, of
    which one share may have more than another: then a share weighs (targets of it / of the batch) x (rows of the batch
    / of it).
    """
    ends = np.cumsum([len(part) for part in np.array_split(np.arange(rows(batch)), number)])
    found = [part(batch, begin, end) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
    if not padded:
        return found
    there = [int(present(share[1]).sum()) for share in found]
    weights = [
        one / max(sum(there), 1) * rows(batch) / max(rows(share), 1) for one, share in zip(there, found, strict=True)
    ]
    return [weighted(share, weight) for share, weight in zip(found, weights, strict=True)]


def require_mean(loss: keras.losses.Loss) -> None:
    """Raises: WrongInput: the loss of a batch is not the mean of its rows' losses, so it has no shares."""
    of_whole_batch = isinstance(loss, (keras.losses.Dice, keras.losses.Tversky, keras.losses.Circle))
    if of_whole_batch or loss.reduction not in ("sum_over_batch_size", "mean"):
        what = "is one number for all of a batch" if of_whole_batch else f"with reduction `{loss.reduction}` is no mean"
        message = f"train.loss: {type(loss).__name__} {what}, and cannot be shared among devices on this backend"
        raise WrongInput(message, "choose a mean over the examples, `devices: 1`, or the jax backend")


def rows(batch: tuple[Any, ...]) -> int:
    return len(keras.tree.flatten(batch)[0])


def part(batch: tuple[Any, ...], begin: int, end: int) -> tuple[Any, ...]:
    found: tuple[Any, ...] = keras.tree.map_structure(lambda array: array[begin:end], batch)
    return found


def weighted(share: tuple[Any, ...], weight: float) -> tuple[Any, ...]:
    inputs, target, *weights = share
    shape = target.shape if target.dtype.kind == "i" else target.shape[:1]
    before = weights[0] if weights else np.ones(shape, "float32")
    return inputs, target, (before * weight).astype("float32")


def present(target: np.ndarray) -> np.ndarray:
    """Which targets are there: of numbers, whole rows."""
    if target.dtype.kind == "i":
        return np.asarray(target != IGNORED)
    return np.asarray(~np.isnan(target.reshape(len(target), -1)).any(axis=1))


class Share(keras.utils.PyDataset):  # type: ignore[misc]
    """One device's share of other batches."""

    def __init__(self, batches: keras.utils.PyDataset, place: int, number: int, padded: bool) -> None:
        super().__init__(workers=1)
        self.batches, self.place, self.number, self.padded = batches, place, number, padded

    @property
    def num_batches(self) -> int | None:
        count: int | None = self.batches.num_batches
        return count

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return shares(self.batches[index], self.number, self.padded)[self.place]


def for_replicas(batches: keras.utils.PyDataset, padded: bool) -> Any:
    """The shares of batches one after the other, as TensorFlow's replicas take them: each the next one.

    They have no end, after the last batch comes the first again: TensorFlow's replicas complain where data ends.
    """
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    number, count = strategy.num_replicas_in_sync, batches.num_batches
    open_axes = 2 if padded else 1
    specs = tf.nest.map_structure(
        lambda array: tf.TensorSpec([None] * min(array.ndim, open_axes) + list(array.shape[open_axes:]), array.dtype),
        shares(batches[0], number, padded)[0],
    )

    def generate() -> Iterator[Any]:
        for index in itertools.count() if count is None else itertools.cycle(range(count)):
            yield from shares(batches[index], number, padded)

    def dataset(_context: Any) -> Any:
        found = tf.data.Dataset.from_generator(generate, output_signature=specs)
        return found.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))

    distributed = strategy.distribute_datasets_from_function(dataset)
    distributed.kpipe_steps = count
    return distributed


def steps_of(batches: Any) -> int | None:
    """After how many batches to stop, where they do not say it themselves."""
    count: int | None = getattr(batches, "kpipe_steps", None)
    return count
