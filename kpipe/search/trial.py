"""Trial: what one trial of a search is and came to."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from kpipe.spec.spec import Spec

Status = Literal["running", "done", "stopped", "failed", "refused", "repeated"]
"""stopped: by the median rule; failed: broke, ran out of memory or time, or diverged; refused: an impossible
combination, never built; repeated: an earlier trial had the same values, and its numbers stand for both."""


class Trial(Spec):
    """One trial, as it stands in ``trial.json`` of its folder; fields that a newer kpipe wrote are passed over."""

    model_config = ConfigDict(extra="ignore")

    name: str
    """``07``"""
    values: dict[str, Any]
    """what the search chose, by path; a path whose `when` does not hold is not there"""
    status: Status = "running"
    score: float | None = None
    """the objective on the validation split, the mean of ``scores``; None where there is none"""
    scores: tuple[float, ...] = ()
    """one for each execution"""
    metrics: dict[str, float] = Field({})
    """everything that evaluation measured on the validation split, the mean over the executions"""
    curve: tuple[float, ...] = ()
    """what the median rule watches, epoch by epoch, of the first execution"""
    message: str = ""
    """why it failed, was refused or stopped; of which trial it is a repetition"""
    seconds: float = 0.0
    epochs: int = 0
    """epochs trained, those of the trial that it goes on from included"""
    backend: str = ""
    ended: int = 0
    """its place in the order in which trials ended, from 1"""
    carries_on: str | None = None
    """of hyperband: the trial whose training it goes on with"""

    def but(self, **changes: Any) -> Trial:
        """The trial with other values."""
        return Trial.model_validate({**self.model_dump(), **changes})

    @property
    def spread(self) -> float | None:
        """The standard deviation of ``scores``; None of fewer than two."""
        if len(self.scores) < 2:
            return None
        mean = sum(self.scores) / len(self.scores)
        return float((sum((score - mean) ** 2 for score in self.scores) / (len(self.scores) - 1)) ** 0.5)

    @property
    def counts(self) -> bool:
        """Whether it has a score that may win."""
        return self.status == "done" and self.score is not None

    @property
    def is_asked(self) -> bool:
        """Whether the oracle asked for it; the finalists' trainings are called ``07-seed-1``."""
        return self.name.isdecimal()
