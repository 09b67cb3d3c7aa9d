"""Measurement: what one backend took for some steps of a pipeline, and what the whole run would take by that."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from kpipe.backend import Backend
from kpipe.pipeline import Pipeline
from kpipe.spec.spec import Spec, Tuple
from kpipe.training.method import Method

Seconds = float


class StageTimes(Spec):
    """A stage of training, or a part of one that trains several things one after the other. All times in seconds."""

    index: int = Field(ge=0, description="of the stage in the pipeline")
    name: str
    steps: int = Field(ge=1, description="in a whole epoch")
    first_step: Seconds = Field(ge=0, description="until the first step has ended: building, compiling")
    compiling: Seconds = Field(ge=0, description="what the first epoch takes beyond a later one")
    step: Seconds = Field(gt=0, description="a step, once everything is compiled")
    quick: Seconds = Field(gt=0, description="a quarter of the steps took no longer")
    slow: Seconds = Field(gt=0, description="a quarter of the steps took longer")
    validation: Seconds = Field(ge=0, description="between the last step of an epoch and its end")
    around: Seconds = Field(ge=0, description="of an epoch all that is not its steps: validation, checkpoints")


class Measured(Spec):
    """A backend that trained."""

    backend: Backend
    device: str
    when: datetime
    start: Seconds = Field(ge=0, description="Python, kpipe and the engine until they are ready")
    data: Seconds = Field(ge=0, description="loading the data")
    memory: int = Field(gt=0, description="bytes of resident memory at the most")
    stages: Tuple[StageTimes] = Field(min_length=1)

    @property
    def first_step(self) -> Seconds:
        return self.stages[0].first_step


class Failed(Spec):
    """A backend that did not."""

    backend: Backend
    when: datetime
    reason: str
    told: bool = True
    """it said why itself; else it was killed or took too long, which may not happen again"""


Row = Measured | Failed


def epochs_of(method: Method) -> int:
    """The epochs of a stage, at most."""
    fields = dict(method)
    epochs: int = fields.get("epochs") or 1
    return min(epochs, fields.get("stop_after") or epochs)


def steps_of(row: Measured, pipeline: Pipeline) -> int:
    """All steps of the whole run."""
    return sum(epochs_of(pipeline.train[stage.index]) * stage.steps for stage in row.stages)


def whole_run(row: Measured, pipeline: Pipeline) -> Seconds:
    """Start, data, compiling, and every epoch with its validation; what comes after training is left out."""
    total = row.start + row.data
    for stage in row.stages:
        epoch = stage.steps * stage.step + stage.around
        total += stage.compiling + epochs_of(pipeline.train[stage.index]) * epoch
    return total


def steps_per_second(row: Measured, pipeline: Pipeline) -> tuple[float, float, float]:
    """Over all stages, each counted for its share of the run: in the middle, and the quartiles below and above it."""
    weights = [epochs_of(pipeline.train[stage.index]) * stage.steps for stage in row.stages]
    total = sum(weights)
    middle, low, high = (
        total / sum(weight * seconds for weight, seconds in zip(weights, each, strict=True))
        for each in (
            [stage.step for stage in row.stages],
            [stage.slow for stage in row.stages],
            [stage.quick for stage in row.stages],
        )
    )
    return middle, low, high


def stops_early(pipeline: Pipeline) -> bool:
    """Whether a stage may end before its last epoch, so that the run takes less."""
    return any(dict(method).get("early_stopping") is not None for method in pipeline.train)


def quickest(rows: tuple[Row, ...], pipeline: Pipeline) -> tuple[Measured, ...]:
    """Those that trained, the shortest run first."""
    trained = [row for row in rows if isinstance(row, Measured)]
    return tuple(sorted(trained, key=lambda row: whole_run(row, pipeline)))
