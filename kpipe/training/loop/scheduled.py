"""Scheduled: a schedule of the pipeline as Keras's optimizers take it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.training.schedules.schedule import Schedule


class Scheduled(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """``peak`` times the schedule's factor at the optimizer's step."""

    def __init__(self, schedule: Schedule, peak: float, steps: int) -> None:
        self.schedule, self.peak, self.steps = schedule, peak, steps

    def __call__(self, step: Any) -> Any:
        return self.peak * self.schedule.factor(ops.cast(step, "float32"), self.steps, ops)

    def get_config(self) -> dict[str, Any]:
        return {"schedule": self.schedule.model_dump(), "peak": self.peak, "steps": self.steps}
