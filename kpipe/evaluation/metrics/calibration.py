"""Calibration: how far stated probabilities are from what comes true."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task

if TYPE_CHECKING:
    import numpy as np


class Calibration(Metric):
    """The expected calibration error: how far stated probabilities are from what comes true.

    sum over bins of (count / n) |fraction that came true - mean probability|, over equally wide bins of probability.
    classes: of the most probable class, and whether it was right. labels: of every label, and whether it was there.

    Shapes: (examples, num_classes | num_labels) -> ``calibration_error``, in [0, 1], 0 is best

    Raises: Nothing.

    Example:
        evaluate: {metrics: [{type: calibration, bins: 15}]}

    Reference: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, 2017, On calibration of modern neural networks.
    """

    type: Literal["calibration"] = "calibration"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels"})

    bins: int = Field(10, ge=2, le=100, description="equally wide bins of probability, 2 to 100")

    def produces(self, task: Task | None) -> tuple[str, ...]:  # noqa: ARG002
        return ("calibration_error",)

    def compute(self, evidence: Evidence) -> dict[str, float]:
        fraction, stated, counts = reliability(evidence, self.bins)
        return {"calibration_error": float((abs(fraction - stated) * counts).sum() / counts.sum())}


def reliability(evidence: Evidence, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each bin that is not empty: the fraction that came true, the mean probability stated, the count."""
    import numpy as np
    from sklearn.calibration import calibration_curve

    if evidence.task == "classes":
        stated, happened = evidence.outputs.max(axis=1), evidence.predicted == evidence.targets
    else:
        stated, happened = evidence.outputs.ravel(), evidence.targets.ravel() > 0.5
    stated = np.clip(stated, 0.0, 1.0)  # a softmax may sum to 1 + 1e-16
    fraction, mean = calibration_curve(happened, stated, n_bins=bins, pos_label=True)
    edges = np.linspace(0.0, 1.0, bins + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], stated), minlength=bins)
    return fraction, mean, counts[counts > 0]
