"""Below: what a level of a stack of autoencoders learns from, the output of the levels below it."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from kpipe.examples import Examples
from kpipe.parts import Level
from kpipe.signature import Feature, Signature, Target
from kpipe.training.loop.batches import Examined
from kpipe.training.loop.chosen import fastest

NAME = "below"
HELD_BYTES = 2**30
"""Up to this size features are held in memory, above it in a temporary file."""


class Features:
    """A split of features."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    @property
    def groups(self) -> tuple[np.ndarray, ...]:
        return (np.arange(len(self)),)

    def take(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {NAME: np.asarray(self.array[indices])}


@contextmanager
def examined_below(
    level: Level, splits: Sequence[Examples], signature: Signature, batch_size: int
) -> Iterator[list[Examined]]:
    """The splits as ``level.autoencoder`` takes them: features as inputs and as targets.

    They are computed once: the levels below do not change while this one learns. The variance that the error is
    divided by is one number, the mean over the features of the first split: one feature that is all but constant
    would otherwise outweigh all others.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = [
            features(level.below, split, signature, batch_size, Path(folder) / str(number))
            for number, split in enumerate(splits)
        ]
        shape = found[0].shape[1:]
        target = Target(name=NAME, task="reconstruction", names=("feature",), variance=(mean_variance(found[0]),))
        feature = Feature(name=NAME, kind="image" if len(shape) > 1 else "vector", shape=shape, dtype="float32")
        learned = Signature(inputs=(feature,), target=target)
        yield [Examined(Features(array), learned) for array in found]


def features(below: keras.Model, split: Examples, signature: Signature, batch_size: int, file: Path) -> np.ndarray:
    """What ``below`` gives for every example of a split, float32 (examples, ...), as in evaluation."""
    shape = (len(split), *below.output_shape[1:])
    fits = 4 * math.prod(shape) <= HELD_BYTES
    array = np.empty(shape, "float32") if fits else np.lib.format.open_memmap(file, "w+", "float32", shape)
    below._jit_compile = fastest(below)[0]
    for start in range(0, len(split), batch_size):
        # the last batch is filled up, so that all have one shape and no backend compiles twice
        indices = np.minimum(np.arange(start, start + batch_size), len(split) - 1)
        stop = min(start + batch_size, len(split))
        array[start:stop] = below.predict_on_batch(split.take(indices)[signature.input.name])[: stop - start]
    return array


def mean_variance(array: np.ndarray) -> float:
    """The mean over the features of their variances, example by example in float64."""
    rows = array.reshape(len(array), -1)
    mean = rows.mean(axis=0, dtype="float64")
    chunks = (rows[at : at + 4096].astype("float64") for at in range(0, len(rows), 4096))
    return float(sum(((chunk - mean) ** 2).sum() for chunk in chunks) / rows.size)
