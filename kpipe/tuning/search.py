"""Search: what every way of searching has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from kpipe.direction import direction_of
from kpipe.spec.spec import Component, Spec
from kpipe.tuning.space import AnyDimension, Axis

if TYPE_CHECKING:
    from kpipe.tuning.oracle import Oracle

Direction = Literal["min", "max"]


class MedianRule(Spec):
    """Stops a trial whose best value so far is worse than the median of the other trials' means up to that epoch.

    Reference: D. Golovin et al., 2017, Google Vizier: a service for black-box optimization.
    """

    warmup_epochs: int = Field(3, ge=1, description="epochs before a trial is judged")
    min_trials: int = Field(5, ge=1, description="finished trials before any is judged")


class Finalists(Spec):
    """The best trials trained anew with other seeds, to tell whether the first is really better than the second."""

    best: int = Field(2, ge=1, le=20, description="how many trials")
    seeds: int = Field(5, ge=2, le=100, description="how many times each, every time with another seed")


class Search(Component):
    """A way of searching."""

    objective: str = Field(
        "val_loss", description="what is best: `val_` and a metric of `evaluate`, on the validation split"
    )
    direction: Direction | None = Field(
        None, description="whether the lowest or the highest is best; by default the metric's own"
    )
    space: dict[str, AnyDimension] = Field(
        min_length=1, description="what is searched: for the path of a value in this file, what it may be"
    )
    max_trials: int | None = Field(20, ge=1, description="trials at most")
    executions_per_trial: int = Field(
        1, ge=1, le=100, description="trainings of each trial, with a seed each; their mean counts"
    )
    max_epochs: int | None = Field(
        None, ge=1, description="epochs of a trial at most; by default as many as `train` says"
    )
    timeout_minutes: float | None = Field(
        None, gt=0.0, description="no trial begins after so many minutes; those that run are finished"
    )
    trial_timeout_minutes: float | None = Field(None, gt=0.0, description="a trial that takes longer has failed")
    trial_memory_gb: float | None = Field(
        None, gt=0.0, description="a trial that takes more has failed, in GB; by default its share of the machine's"
    )
    median_rule: MedianRule | None = Field(None, description="stop hopeless trials early")
    finalists: Finalists | None = Field(None, description="train the best trials anew with other seeds at the end")

    @property
    def metric(self) -> str:
        """The objective without ``val_``."""
        return self.objective.removeprefix("val_")

    @property
    def best(self) -> Direction:
        """Whether the lowest or the highest value is best. Raises: ValueError: the objective's name does not tell."""
        found = self.direction or direction_of(self.metric)
        if found is None:
            raise ValueError(f"{self.objective}: is the lowest or the highest best?")
        return found

    @abstractmethod
    def oracle(self, axes: Sequence[Axis], epochs: int, seed: int) -> Oracle:
        """KerasTuner's oracle for these axes; ``epochs`` are those of a whole training. Imports Keras."""
