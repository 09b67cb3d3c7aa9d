"""Rmse: the root of the mean squared error, in the target's unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.per_output import PerValue, as_rows

if TYPE_CHECKING:
    import numpy as np


class Rmse(PerValue):
    """The root of the mean squared error, in the target's unit.

    sqrt(mean (output - target)^2), for each value; ``rmse`` is the plain mean over the values.

    Shapes: (examples, ..., num_values) -> ``rmse``, and ``rmse/<value>`` where there are several

    Raises: Nothing.

    Example:
        evaluate: {metrics: [rmse]}

    Reference: C. F. Gauss, 1823, Theoria combinationis observationum erroribus minimis obnoxiae.
    """

    type: Literal["rmse"] = "rmse"
    average: ClassVar[str] = "rmse"

    def scores(self, evidence: Evidence) -> np.ndarray:
        from sklearn.metrics import root_mean_squared_error

        scores: np.ndarray = root_mean_squared_error(*as_rows(evidence), multioutput="raw_values")
        return scores
