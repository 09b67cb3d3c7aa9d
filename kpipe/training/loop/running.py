"""Running: Keras's ``fit``, from wherever a stage stands to its end."""

from __future__ import annotations

import gc
from typing import Any, Literal

import keras
from typing_extensions import override

from kpipe.errors import RunFailed
from kpipe.training.loop import conductor as conducting
from kpipe.training.loop.batches import Examined, ShuffledBatches, taken
from kpipe.training.loop.chunks import in_chunks
from kpipe.training.loop.conductor import Conductor
from kpipe.training.loop.several import SeveralSteps, runs_ahead
from kpipe.training.sharing.shares import steps_of

LOOKS = 4
"""Steps carried out in one call take no longer than so many looks at their numbers are apart."""


class StepLogs(keras.callbacks.CallbackList):  # type: ignore[misc]
    """Keras's list of callbacks, but a step's logs stay tensors: turning them into numbers waits for the device."""

    @override
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        pass

    @override
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)

    @override
    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        pass

    @override
    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        pass


def go_through(
    model: keras.Model,
    conductor: Conductor,
    train: Examined,
    validation: Any,
    steps_per_execution: int | Literal["auto"],
) -> None:
    """All epochs that are left: first the rest of one that was begun, then the others."""
    progress = conductor.progress
    if runs_ahead(model):
        span = LOOKS * conducting.LOOK_SECONDS
        steps = SeveralSteps(model, steps_per_execution, span, conductor.steps_at_once)
        model.train_function, conductor.is_ahead = steps, lambda: steps.is_ahead
        if not keras.distribution.list_devices("gpu"):
            model.jit_compile = False  # validation is a few steps, not worth seconds of XLA for each shape
    if progress.step and not progress.finished:
        # makes the metrics' variables, whose values are about to be set
        model.evaluate(validation, verbose=0, steps=steps_of(validation))
        fit(model, conductor, train, validation, progress.epoch + 1)
        conductor.averages.put_back(conductor.raw_weights)
    if not progress.finished:
        fit(model, conductor, train, validation, conductor.last)


def given(model: keras.Model, batches: ShuffledBatches) -> Any:
    """The batches in the form the backend takes fastest."""
    padded = bool(batches.plan.groups)
    return in_chunks(batches) if runs_ahead(model) and not padded else taken(batches, padded)


def fit(model: keras.Model, conductor: Conductor, train: Examined, validation: Any, epochs: int) -> None:
    """Keras's ``fit`` from where the progress stands up to the end of epoch ``epochs``."""
    plan, done = conductor.plan, conductor.progress
    batches = ShuffledBatches(train, plan, first=done.epoch * plan.steps + done.step)
    try:
        model.fit(
            given(model, batches),
            steps_per_epoch=plan.steps - done.step,
            validation_data=validation,
            validation_steps=steps_of(validation),
            initial_epoch=done.epoch,
            epochs=epochs,
            callbacks=StepLogs([conductor], add_history=True, model=model),
            shuffle=False,
            verbose=0,
        )
    except RunFailed as error:
        # the frames of `fit` hold TensorFlow's iterator, which complains when it outlives Python
        error.__traceback__ = None
        gc.collect()
        raise
