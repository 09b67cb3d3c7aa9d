"""R2: the fraction of the targets' variance that the outputs explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.per_output import PerValue, as_rows

if TYPE_CHECKING:
    import numpy as np


class R2(PerValue):
    """The fraction of the targets' variance that the outputs explain: 1 is perfect, 0 as good as their mean.

    1 - sum (output - target)^2 / sum (target - mean)^2, for each value; ``r2`` is the plain mean over the values. A
    value whose targets are all the same has no variance to explain and is left out.

    Shapes: (examples, ..., num_values) -> ``r2``, and ``r2/<value>`` where there are several

    Raises: Nothing.

    Example:
        evaluate: {metrics: [r2]}

    Reference: S. Wright, 1921, Correlation and causation.
    """

    type: Literal["r2"] = "r2"
    average: ClassVar[str] = "r2"

    def undefined(self, evidence: Evidence) -> dict[int, str]:
        targets, _ = as_rows(evidence)
        return {
            position: f"every {evidence.split_name} example has the same {evidence.names[position]}"
            for position, spread in enumerate(targets.max(axis=0) - targets.min(axis=0))
            if spread == 0
        }

    def scores(self, evidence: Evidence) -> np.ndarray:
        from sklearn.metrics import r2_score

        scores: np.ndarray = r2_score(*as_rows(evidence), multioutput="raw_values")
        return scores
