"""Batches: the examples of a split in an order that depends on nothing but (seed, stage, epoch)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kpipe.backend import derive
from kpipe.signature import Signature
from kpipe.training.method import Examples


def order(seed: int, stage: int, epoch: int, examples: int, taken: int) -> np.ndarray:
    """The indices of an epoch (from 0): a permutation, or as many as it takes, one after the other."""
    passes = range(-(-taken // examples))
    generators = (
        np.random.Generator(np.random.PCG64(derive(seed, "order", stage, epoch, number))) for number in passes
    )
    return np.concatenate([generator.permutation(examples) for generator in generators])[:taken]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of a split, as Keras takes them: (inputs, target) or (inputs, target, weights).

    ``first`` steps of every epoch are left out, so that an epoch can be gone on with. Keras's own shuffling, workers
    and hooks differ between backends: none is used; whoever trains sets ``epoch``.
    """

    def __init__(self, split: Examples, signature: Signature, batch_size: int, steps: int | None = None) -> None:
        super().__init__(workers=1)
        self.split = split
        self.inputs = tuple(feature.name for feature in signature.inputs)
        self.target = signature.target.name
        self.batch_size = batch_size
        self.taken = len(split) if steps is None else steps * batch_size
        self.steps = -(-self.taken // batch_size)
        self.first = 0

    @property
    def num_batches(self) -> int:
        return self.steps - self.first

    def indices(self) -> np.ndarray:
        """The order of examples in the epoch."""
        return np.arange(self.taken)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        begin = (self.first + index) * self.batch_size
        return self.assemble(self.split.take(self.indices()[begin : begin + self.batch_size]))

    def assemble(self, batch: Mapping[str, np.ndarray]) -> tuple[Any, ...]:
        """(inputs, target): one array for a single input, a dict for several."""
        several = {name: batch[name] for name in self.inputs}
        return several if len(several) > 1 else batch[self.inputs[0]], batch[self.target]


class ShuffledBatches(Batches):
    """Batches in the order of (seed, stage, epoch), with weights by class where there are any."""

    def __init__(
        self,
        split: Examples,
        signature: Signature,
        batch_size: int,
        steps: int | None,
        seed: int,
        stage: int,
        class_weights: np.ndarray | None,
    ) -> None:
        super().__init__(split, signature, batch_size, steps)
        self.key = (seed, stage)
        self.class_weights = class_weights
        self.epoch = 0
        self.drawn: tuple[int, np.ndarray] = (-1, np.arange(0))

    def indices(self) -> np.ndarray:
        epoch, drawn = self.drawn
        if epoch != self.epoch:
            # TensorFlow reads ahead in a thread of its own: epoch and order are replaced together
            epoch = self.epoch
            drawn = order(*self.key, epoch, len(self.split), self.taken)
            self.drawn = epoch, drawn
        return drawn

    def assemble(self, batch: Mapping[str, np.ndarray]) -> tuple[Any, ...]:
        inputs, target = super().assemble(batch)
        if self.class_weights is None:
            return inputs, target
        return inputs, target, self.class_weights[target]


def even_batch_size(examples: int, batch_size: int) -> int:
    """The largest batch size up to four times ``batch_size`` that leaves no short batch, or ``batch_size`` itself.

    A short batch makes JAX compile once more. Only for what does not depend on the batch: evaluation.
    """
    fitting = (size for size in range(4 * batch_size, batch_size // 2, -1) if examples % size == 0)
    return min(examples, next(fitting, batch_size))
