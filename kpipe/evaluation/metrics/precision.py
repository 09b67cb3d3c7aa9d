"""Precision: how many of those read as a class belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.per_output import PerClass, answers

if TYPE_CHECKING:
    import numpy as np


class Precision(PerClass):
    """How many of those read as a class belong to it, for each class or label and their mean.

    TP / (TP + FP), from counts of true and false positives and negatives. A class without test examples is left out;
    one that is never predicted counts 0 in the mean, and has no precision of its own.

    Shapes: (examples | steps, num_classes | num_labels | num_tags) -> ``macro_precision``, ``precision/<class>``

    Raises: Nothing.

    Example:
        evaluate: {metrics: [{type: precision, per_class: false}]}

    Reference: C. J. van Rijsbergen, 1979, Information Retrieval, chapter 7.
    """

    type: Literal["precision"] = "precision"
    average: ClassVar[str] = "macro_precision"

    def scores(self, evidence: Evidence) -> np.ndarray:
        from sklearn.metrics import precision_score

        scores: np.ndarray = precision_score(**answers(evidence))
        return scores

    def unlisted(self, evidence: Evidence) -> dict[int, str]:
        predicted = evidence.predicted
        if evidence.task != "labels":
            counts = [int((predicted == position).sum()) for position in range(len(evidence.names))]
        else:
            counts = predicted.sum(axis=0).tolist()
        missing = self.undefined(evidence)
        return {
            position: f"nothing was read as {evidence.names[position]}"
            for position, count in enumerate(counts)
            if count == 0 and position not in missing
        }
