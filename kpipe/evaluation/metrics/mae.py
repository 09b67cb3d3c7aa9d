"""Mae: the mean absolute error, in the target's unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.per_output import PerValue, as_rows

if TYPE_CHECKING:
    import numpy as np


class Mae(PerValue):
    """The mean absolute error, in the target's unit.

    mean |output - target|, for each value; ``mae`` is the plain mean over the values.

    Shapes: (examples, ..., num_values) -> ``mae``, and ``mae/<value>`` where there are several

    Raises: Nothing.

    Example:
        evaluate: {metrics: [mae]}

    Reference: F. Hampel, 1974, The influence curve and its role in robust estimation.
    """

    type: Literal["mae"] = "mae"
    average: ClassVar[str] = "mae"

    def scores(self, evidence: Evidence) -> np.ndarray:
        from sklearn.metrics import mean_absolute_error

        scores: np.ndarray = mean_absolute_error(*as_rows(evidence), multioutput="raw_values")
        return scores
