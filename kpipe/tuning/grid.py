"""Grid search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from kpipe.spec.mistake import Problem
from kpipe.spec.spec import refuse
from kpipe.tuning.search import Search
from kpipe.tuning.space import Axis, Range

if TYPE_CHECKING:
    from kpipe.tuning.oracle import Oracle


class Grid(Search):
    """Tries every combination, beginning with the pipeline's own values; ranges of fractions need a `step`.

    Raises: Nothing.
    Example:
        tune:
          type: grid
          objective: val_accuracy
          space:
            model.dropout: {min: 0.0, max: 0.5, step: 0.25}
            data.batch_size: {choices: [32, 64]}
    Reference: J. Bergstra, Y. Bengio, 2012, Random search for hyper-parameter optimization.
    """

    type: Literal["grid"] = "grid"
    max_trials: int | None = Field(None, ge=1, description="trials at most; by default all combinations")

    @model_validator(mode="after")
    def _can_be_counted(self) -> Grid:
        problems = [
            Problem(("space", path), "a grid needs to know which values between", "give a `step`, or `choices`")
            for path, dimension in self.space.items()
            if isinstance(dimension, Range) and dimension.step is None and not is_whole(dimension)
        ]
        if problems:
            raise refuse(*problems)
        return self

    def oracle(self, axes: Sequence[Axis], epochs: int, seed: int) -> Oracle:  # noqa: ARG002
        from kpipe.tuning.kept import KeptGrid
        from kpipe.tuning.oracle import make

        return make(KeptGrid, axes, self.best, seed, self.max_trials)


def is_whole(span: Range) -> bool:
    return isinstance(span.min, int) and isinstance(span.max, int) and span.sampling == "linear"
