"""Batches: the examples of a split in an order that depends on nothing but (seed, stage, epoch)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kpipe.backend import derive
from kpipe.examples import Examples
from kpipe.signature import Signature
from kpipe.training.sharing import ranks
from kpipe.training.sharing.replicas import replicas
from kpipe.training.sharing.shares import Share, for_replicas, present

HELD_BYTES = 2**24
"""Up to this size TensorFlow gets a validation split whole: starting a Python generator takes 40 ms each time."""


def order(seed: int, stage: int | str, epoch: int, examples: int, taken: int) -> np.ndarray:
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
    stage: int | str
    steps_per_epoch: int | None = None
    groups: tuple[np.ndarray, ...] = ()
    """where sequences are padded: the examples whose batches have the same shape; each batch is from one of them"""

    @property
    def taken(self) -> int:
        """Examples in an epoch."""
        return self.examples if self.steps_per_epoch is None else self.steps_per_epoch * self.batch_size

    @property
    def steps(self) -> int:
        """Steps in an epoch; the last may be short."""
        if self.groups and self.steps_per_epoch is None:
            return sum(-(-len(group) // self.batch_size) for group in self.groups)
        return -(-self.taken // self.batch_size)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The indices of each batch of an epoch (from 0)."""
        if not self.groups:
            drawn = order(self.seed, self.stage, epoch, self.examples, self.taken)
            return [drawn[begin : begin + self.batch_size] for begin in range(0, self.taken, self.batch_size)]
        found: list[np.ndarray] = []
        while len(found) < self.steps:
            generator = np.random.default_rng(derive(self.seed, "order", self.stage, epoch, len(found)))
            batches = [
                batch
                for group in self.groups
                for batch in filled(group[generator.permutation(len(group))], self.batch_size)
            ]
            found += [batches[place] for place in generator.permutation(len(batches))]
        return found[: self.steps]


def filled(indices: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Batches of one size; the last is filled up with -1, an example that is not there and counts in nothing."""
    missing = -len(indices) % batch_size
    return list(np.concatenate([indices, np.full(missing, -1, indices.dtype)]).reshape(-1, batch_size))


class ShuffledBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of all epochs of a stage, one after the other, from ``first`` (counted over the stage) on.

    Being endless, it is iterated once, not once an epoch: starting an iterator costs TensorFlow more than twenty small
    steps. Keras's own shuffling, workers and hooks differ between backends; none is used.
    """

    def __init__(self, examples: Examined, plan: Plan, first: int) -> None:
        super().__init__(workers=1)
        self.examples, self.plan, self.first = examples, plan, first
        self.drawn: tuple[int, list[np.ndarray]] = (-1, [])

    @property
    def num_batches(self) -> None:
        return None

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        epoch, step = divmod(self.first + index, self.plan.steps)
        return self.examples.take(self.batches(epoch)[step])

    def batches(self, epoch: int) -> list[np.ndarray]:
        drawn_for, drawn = self.drawn
        if epoch != drawn_for:
            drawn = self.plan.batches(epoch)
            self.drawn = epoch, drawn
        return drawn


class PaddedValidation(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of a padded split by their lengths, filled up, each target with a weight.

    Keras adds up the mean losses of batches by their numbers of rows, those that fill up among them. With the weight
    (rows of all batches / targets of all) x (targets of the batch / its rows), the sum is the mean over all targets.
    """

    def __init__(self, examples: Examined, batch_size: int) -> None:
        super().__init__(workers=1)
        self.examples, self.rows = examples, batch_size
        self.batches = [batch for group in examples.split.groups for batch in filled(group, batch_size)]
        self.targets = [int(present(examples.take(batch)[1]).sum()) for batch in self.batches]

    @property
    def num_batches(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        inputs, target, *_ = self.examples.take(self.batches[index])
        weight = len(self.batches) * self.targets[index] / max(sum(self.targets), 1)
        shape = target.shape if target.dtype.kind == "i" else target.shape[:1]
        return inputs, target, np.full(shape, weight, "float32")


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


def taken(batches: keras.utils.PyDataset, padded: bool) -> Any:
    """The batches of training as the backend takes them, or the share that it takes of each."""
    if replicas() > 1:
        return for_replicas(batches, padded)
    if ranks.number() > 1:
        return Share(batches, ranks.own(), ranks.number(), padded)
    return of_any_shape(batches) if padded else batches


def validation_batches(examples: Examined, batch_size: int) -> Any:
    """The batches of a split for evaluation, in the form the backend takes fastest."""
    if replicas() > 1:
        padded = examples.signature.is_padded
        return for_replicas((PaddedValidation if padded else OrderedBatches)(examples, batch_size), padded)
    if examples.signature.is_padded:
        return of_any_shape(PaddedValidation(examples, batch_size))
    size = even_batch_size(len(examples), batch_size)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        one = sum(array.nbytes for array in tf.nest.flatten(examples.take(np.arange(1))))
        if one * len(examples) <= HELD_BYTES:
            whole = examples.take(np.arange(len(examples)))
            return tf.data.Dataset.from_tensor_slices(whole).batch(size)
    return OrderedBatches(examples, size)


def of_any_shape(batches: keras.utils.PyDataset) -> Any:
    """Batches of several lengths as the backend takes them: TensorFlow is told that any length may come."""
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    first = batches[0]
    specs = tf.nest.map_structure(
        lambda array: tf.TensorSpec([None] * min(array.ndim, 2) + list(array.shape[2:]), array.dtype), first
    )

    def generate() -> Iterator[Any]:
        numbers = itertools.count() if batches.num_batches is None else range(batches.num_batches)
        yield from (batches[number] for number in numbers)

    dataset = tf.data.Dataset.from_generator(generate, output_signature=specs).prefetch(tf.data.AUTOTUNE)
    known = batches.num_batches
    return dataset if known is None else dataset.apply(tf.data.experimental.assert_cardinality(known))


def even_batch_size(examples: int, batch_size: int) -> int:
    """The largest batch size up to four times ``batch_size`` that leaves no short batch, or ``batch_size`` itself.

    A short batch makes JAX compile once more. Only for what does not depend on the batch: evaluation.
    """
    fitting = (size for size in range(4 * batch_size, batch_size // 2, -1) if examples % size == 0)
    return min(examples, next(fitting, batch_size))
