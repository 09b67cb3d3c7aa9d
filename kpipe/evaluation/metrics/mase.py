"""Mase: the mean absolute error over that of the forecast that nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.naive import naive
from kpipe.evaluation.per_output import PerValue
from kpipe.signature import Task

if TYPE_CHECKING:
    import numpy as np


class Mase(PerValue):
    """The mean absolute error over that of the naive forecast, that everything stays as it was last seen.

    mean |output - target| / mean |last value seen - target|, both over the same examples and all steps of the horizon,
    for each value; ``mase`` is the plain mean over the values. Below 1 the model is better than no model. (Hyndman and
    Koehler divide by the naive forecast's error one step ahead on the training series; here it is asked the very
    same question as the model.)

    Shapes: (examples, horizon, num_values) -> ``mase``, and ``mase/<value>`` where there are several

    Raises: Nothing.

    Example:
        evaluate: {metrics: [mase]}

    Reference: R. Hyndman, A. Koehler, 2006, Another look at measures of forecast accuracy.
    """

    type: Literal["mase"] = "mase"
    tasks: ClassVar[frozenset[Task]] = frozenset({"forecast"})
    average: ClassVar[str] = "mase"

    def undefined(self, evidence: Evidence) -> dict[int, str]:
        last = naive(evidence)
        if last is None:
            return dict.fromkeys(range(len(evidence.names)), "the input does not hold what is forecast")
        errors = abs(last - evidence.targets).mean(axis=(0, 1))
        return {
            position: f"every {evidence.split_name} example stays as it was last seen"
            for position, error in enumerate(errors)
            if error == 0
        }

    def left_out(self, evidence: Evidence) -> dict[str, str]:
        reasons = set(self.undefined(evidence).values())
        return super().left_out(evidence) | (
            {self.average: reasons.pop()} if reasons and not self.compute(evidence) else {}
        )

    def scores(self, evidence: Evidence) -> np.ndarray:
        import numpy as np

        last = naive(evidence)
        errors = np.abs(evidence.outputs - evidence.targets).mean(axis=(0, 1), dtype="float64")
        scale = np.abs(last - evidence.targets).mean(axis=(0, 1), dtype="float64")
        return np.asarray(errors / np.where(scale > 0, scale, 1.0))
