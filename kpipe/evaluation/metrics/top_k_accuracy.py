"""TopKAccuracy: how often the true class is among the k most probable."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task


class TopKAccuracy(Metric):
    """The fraction of examples whose true class is among the k most probable.

    With k classes or fewer it would always be 1 and is left out.

    Shapes: (examples, num_classes) -> ``top_<k>_accuracy``

    Raises: Nothing.

    Example:
        evaluate: {metrics: [{type: top_k_accuracy, k: 3}]}

    Reference: O. Russakovsky et al., 2015, ImageNet large scale visual recognition challenge.
    """

    type: Literal["top_k_accuracy"] = "top_k_accuracy"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes"})

    k: int = Field(3, ge=2, le=1000, description="how many classes may be guessed, from 2 on")

    def produces(self, task: Task | None) -> tuple[str, ...]:  # noqa: ARG002
        return (self.name,)

    def compute(self, evidence: Evidence) -> dict[str, float]:
        from sklearn.metrics import top_k_accuracy_score

        if self.left_out(evidence):
            return {}
        classes = range(len(evidence.names))
        return {self.name: float(top_k_accuracy_score(evidence.targets, evidence.outputs, k=self.k, labels=classes))}

    @property
    def name(self) -> str:
        return f"top_{self.k}_accuracy"

    def left_out(self, evidence: Evidence) -> dict[str, str]:
        classes = len(evidence.names)
        return {self.name: f"always 1 with {classes} classes"} if classes <= self.k else {}
