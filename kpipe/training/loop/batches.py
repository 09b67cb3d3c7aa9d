"""Batches: the examples of a split in an order that depends on nothing but (seed, stage, epoch)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kpipe.backend import derive
from kpipe.signature import Signature
from kpipe.training.method import Examples

HELD_BYTES = 2**26
"""Up to this size TensorFlow gets a validation split whole: starting a Python generator takes 40 ms each time."""


def order(seed: int, stage: int, epoch: int, examples: int, taken: int) -> np.ndarray:
    """The indices of an epoch (from 0): a permutation, or as many as it takes, one after the other."""
    passes = range(-(-taken // examples))
    seeds = (derive(seed, "order", stage, epoch, number) for number in passes)
    permutations = [np.random.Generator(np.random.PCG64(one)).permutation(examples) for one in seeds]
    return np.concatenate(permutations)[:taken]


@dataclass(frozen=True)
class Examined:
    """A split as a model takes it: (inputs, target), or (inputs, target, weights) where classes have weights."""

    split: Examples
    signature: Signature
    class_weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.split)

    def take(self, indices: np.ndarray) -> tuple[Any, ...]:
        """One array for a single input, a dict for several."""
        batch: Mapping[str, np.ndarray] = self.split.take(indices)
        names = [feature.name for feature in self.signature.inputs]
        inputs = {name: batch[name] for name in names} if len(names) > 1 else batch[names[0]]
        target = batch[self.signature.target.name]
        return (inputs, target) if self.class_weights is None else (inputs, target, self.class_weights[target])


@dataclass(frozen=True)
class Plan:
    """Which examples are in which step."""

    examples: int
    batch_size: int
    seed: int
    stage: int
    steps_per_epoch: int | None = None

    @property
    def taken(self) -> int:
        """Examples in an epoch."""
        return self.examples if self.steps_per_epoch is None else self.steps_per_epoch * self.batch_size

    @property
    def steps(self) -> int:
        """Steps in an epoch; the last may be short."""
        return -(-self.taken // self.batch_size)


class ShuffledBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of all epochs of a stage, one after the other, from ``first`` (counted over the stage) on.

    Being endless, it is iterated once, not once an epoch: starting an iterator costs TensorFlow more than twenty small
    steps. Keras's own shuffling, workers and hooks differ between backends; none is used.
    """

    def __init__(self, examples: Examined, plan: Plan, first: int) -> None:
        super().__init__(workers=1)
        self.examples, self.plan, self.first = examples, plan, first
        self.drawn: tuple[int, np.ndarray] = (-1, np.arange(0))

    @property
    def num_batches(self) -> None:
        return None

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        epoch, step = divmod(self.first + index, self.plan.steps)
        begin = step * self.plan.batch_size
        return self.examples.take(self.order(epoch)[begin : begin + self.plan.batch_size])

    def order(self, epoch: int) -> np.ndarray:
        drawn_for, drawn = self.drawn
        if epoch != drawn_for:
            drawn = order(self.plan.seed, self.plan.stage, epoch, len(self.examples), self.plan.taken)
            self.drawn = epoch, drawn
        return drawn


class OrderedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of a split in its own order."""

    def __init__(self, examples: Examined, batch_size: int) -> None:
        super().__init__(workers=1)
        self.examples, self.batch_size = examples, batch_size

    @property
    def num_batches(self) -> int:
        return -(-len(self.examples) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        end = min((index + 1) * self.batch_size, len(self.examples))
        return self.examples.take(np.arange(index * self.batch_size, end))


def validation_batches(examples: Examined, batch_size: int) -> Any:
    """The batches of a split for evaluation, in the form the backend takes fastest."""
    size = even_batch_size(len(examples), batch_size)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        one = sum(array.nbytes for array in tf.nest.flatten(examples.take(np.arange(1))))
        if one * len(examples) <= HELD_BYTES:
            whole = examples.take(np.arange(len(examples)))
            return tf.data.Dataset.from_tensor_slices(whole).batch(size)
    return OrderedBatches(examples, size)


def even_batch_size(examples: int, batch_size: int) -> int:
    """The largest batch size up to four times ``batch_size`` that leaves no short batch, or ``batch_size`` itself.

    A short batch makes JAX compile once more. Only for what does not depend on the batch: evaluation.
    """
    fitting = (size for size in range(4 * batch_size, batch_size // 2, -1) if examples % size == 0)
    return min(examples, next(fitting, batch_size))
