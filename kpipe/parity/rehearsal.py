"""Rehearsal: a pipeline's first steps on the backend in use, and what each of them gives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from kpipe.errors import RunFailed
from kpipe.parity.gradients import gradients_of
from kpipe.parity.measurement import Arrays, Measurement, Part, numbered
from kpipe.parity.outputs import outputs_of
from kpipe.parity.random_layers import switched_off
from kpipe.training.loop.averages import Averages
from kpipe.training.loop.batches import ShuffledBatches
from kpipe.training.loop.state import copies
from kpipe.training.method import Stage


class Rehearser:
    """Takes the first ``steps`` of whatever is trained: of a stage, or of each part of one.

    The first pass and its gradients are computed with the weights and on the batch of ``reference``, where there is
    one: so they tell of the computing alone, whatever came before. The steps are the backend's own, from its own
    weights; from the reference's ``from_reference``.
    """

    def __init__(self, steps: int, reference: Measurement | None, from_reference: bool, random: bool = False) -> None:
        self.steps, self.reference, self.from_reference, self.random = steps, reference, from_reference, random
        self.parts: list[Part] = []

    def __call__(
        self, stage: Stage, model: keras.Model, batches: ShuffledBatches, begin_epoch: Callable[[int], None]
    ) -> int:
        begin_epoch(0)
        own, batch = weights_of(model), batches[0]
        there = self.reference.parts[len(self.parts)] if self.reference else None
        if there and self.from_reference:
            put(model, there.weights)
        with switched_off(model, leave_on=self.random) as random:
            with undone(model):
                if there:
                    put(model, there.weights)
                    batch = keras.tree.pack_sequence_as(batch, list(there.batch.values()))
                outputs, gradients = outputs_of(model, batch[0]), gradients_of(model, batch)
            losses = [step(model, batches, number, begin_epoch) for number in range(self.steps)]
        model.train_function = None  # it has no layers that draw in it
        Averages(model.optimizer).install()
        hashed = tuple(examples_in(batches, number) for number in range(self.steps))
        first = {str(number): array for number, array in enumerate(keras.tree.flatten(batches[0]))}
        self.parts.append(Part(stage.name, own, first, outputs, gradients, tuple(losses), hashed, random))
        return self.steps


def step(model: keras.Model, batches: ShuffledBatches, number: int, begin_epoch: Callable[[int], None]) -> float:
    """One step of the training; its loss."""
    epoch, place = divmod(number, batches.plan.steps)
    if number and not place:
        begin_epoch(epoch)
    return float(model.train_on_batch(*batches[number], return_dict=True)["loss"])


def examples_in(batches: ShuffledBatches, number: int) -> str:
    """The examples of a step, in their order, as a short text."""
    epoch, place = divmod(number, batches.plan.steps)
    return hashlib.sha256(batches.batches(epoch)[place].astype("int64").tobytes()).hexdigest()[:16]


def weights_of(model: keras.Model) -> Arrays:
    names = numbered([variable.path for variable in model.weights])
    return dict(zip(names, copies(model.weights), strict=True))


def put(model: keras.Model, weights: Arrays) -> None:
    """Raises: RunFailed: they are those of another network."""
    names = numbered([variable.path for variable in model.weights])
    if {name: array.shape for name, array in weights.items()} != {
        name: tuple(variable.shape) for name, variable in zip(names, model.weights, strict=True)
    }:
        differing = sorted(set(names) ^ set(weights)) or ["the same names, other shapes"]
        raise RunFailed(f"the network has other weights here than on the first backend: {', '.join(differing[:5])}")
    for name, variable in zip(names, model.weights, strict=True):
        variable.assign(weights[name])


@contextmanager
def undone(model: keras.Model) -> Iterator[None]:
    """Within, the model's state may change; afterwards it is as before."""
    variables: Any = model.variables
    before: list[np.ndarray] = copies(variables)
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
