"""Accuracy: the fraction of right predictions."""

from __future__ import annotations

from typing import ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task


class Accuracy(Metric):
    """The fraction of examples, labels, tags or next tokens predicted right.

    classes: the most probable class is the true one; tags and next_token: the same for each step, those of all
    examples together. labels: ``accuracy`` is the fraction of single yes/no answers
    that are right, ``subset_accuracy`` the fraction of examples with every label right (a probability of 0.5 is a yes).

    Shapes: (examples | steps, num_classes | num_labels) -> ``accuracy``; for labels ``subset_accuracy`` too

    Raises: Nothing.

    Example:
        evaluate: {metrics: [accuracy]}

    Reference: M. Sokolova, G. Lapalme, 2009, A systematic analysis of performance measures for classification tasks.
    """

    type: Literal["accuracy"] = "accuracy"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels", "tags", "next_token"})

    def produces(self, task: Task | None) -> tuple[str, ...]:
        return ("accuracy", "subset_accuracy") if task in (None, "labels") else ("accuracy",)

    def compute(self, evidence: Evidence) -> dict[str, float]:
        from sklearn.metrics import accuracy_score

        targets, predicted = evidence.targets, evidence.predicted
        if evidence.task != "labels":
            return {"accuracy": float(accuracy_score(targets, predicted))}
        return {
            "accuracy": float(accuracy_score(targets.ravel(), predicted.ravel())),
            "subset_accuracy": float((targets == predicted).all(axis=1).mean()),
        }
