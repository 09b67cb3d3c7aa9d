"""Loss: the mean loss of the examples."""

from __future__ import annotations

from typing import ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task


class Loss(Metric):
    """The mean loss of the examples: cross-entropy, or squared error of numbers.

    classes: -log p(true class); tags, text and next_token the same, the mean over all steps (of text given the true
    tokens before). labels: the mean over the labels of -log p(true answer). values and forecasts: the mean over the
    numbers of (output - target)^2. Natural logarithms, from logits in float64, without label smoothing, class weights
    or penalties on weights, so that models trained in different ways can be compared.

    Shapes: (examples | steps,) -> ``loss``

    Raises: Nothing.

    Example:
        evaluate: {metrics: [loss]}

    Reference: I. J. Good, 1952, Rational decisions.
    """

    type: Literal["loss"] = "loss"
    tasks: ClassVar[frozenset[Task]] = frozenset(
        {"classes", "labels", "values", "tags", "forecast", "text", "next_token"}
    )

    def compute(self, evidence: Evidence) -> dict[str, float]:
        return {"loss": float(evidence.losses.mean())}
