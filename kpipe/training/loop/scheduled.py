"""Scheduled: a schedule of the pipeline as Keras's optimizers take it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.training.schedules.schedule import Schedule


class Scheduled(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """``peak`` times the schedule's factor at the optimizer's step.

    The peak is a variable, so that the compiled program takes it as an argument: another peak, as each trial of a
    search has, is the same program, which JAX finds in its cache.
    """

    def __init__(self, schedule: Schedule, peak: float, steps: int) -> None:
        self.schedule, self.peak, self.steps = schedule, peak, steps
        self.variable = keras.Variable(peak, dtype="float32", trainable=False, name="peak")

    def __call__(self, step: Any) -> Any:
        return self.variable * self.schedule.factor(ops.cast(step, "float32"), self.steps, ops)

    def get_config(self) -> dict[str, Any]:
        return {"schedule": self.schedule.model_dump(), "peak": self.peak, "steps": self.steps}


def put_on_course(optimizer: keras.optimizers.Optimizer, schedule: Schedule, steps: int) -> None:
    """Gives ``optimizer``, not yet built, the schedule over ``steps`` steps, whose peak is its own learning rate."""
    peak = float(keras.ops.convert_to_numpy(optimizer.learning_rate))  # a mirrored variable is no number
    scheduled = Scheduled(schedule, peak, steps)
    optimizer.learning_rate = scheduled
    optimizer._track_variable(scheduled.variable)  # in place of the rate's own, which Keras has just forgotten
