"""Hyperband."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from kpipe.tuning.search import Search
from kpipe.tuning.space import Axis

if TYPE_CHECKING:
    from kpipe.tuning.oracle import Oracle


class Hyperband(Search):
    """Trains many trials for a few epochs, and goes on with the best: successive halving, in several brackets.

    A trial that goes on takes up weights, optimizer and everything else exactly where it paused, so that one trained
    to the end is the same as if it had never paused. The schedule of the learning rate is that of the whole training.

    Raises: Nothing.
    Example:
        tune:
          type: hyperband
          objective: val_accuracy
          max_epochs: 9
          space:
            train.optimizer.AdamW.learning_rate: {min: 1.0e-4, max: 1.0e-2, sampling: log}
    Reference: L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, 2018, Hyperband: a novel bandit-based
        approach to hyperparameter optimization.
    """

    type: Literal["hyperband"] = "hyperband"
    max_trials: int | None = Field(None, ge=1, description="trials at most; by default as many as its brackets have")
    factor: int = Field(3, ge=2, description="of so many trials one goes on, to so many times the epochs")
    hyperband_iterations: int = Field(1, ge=1, description="times the whole is gone through")

    def oracle(self, axes: Sequence[Axis], epochs: int, seed: int) -> Oracle:
        from kpipe.tuning.kept import KeptHyperband
        from kpipe.tuning.oracle import make

        settings = {"max_epochs": epochs, "factor": self.factor, "hyperband_iterations": self.hyperband_iterations}
        return make(KeptHyperband, axes, self.best, seed, self.max_trials, **settings)
