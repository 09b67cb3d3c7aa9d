"""Recall: how many of a class are read as it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.per_output import PerClass, answers

if TYPE_CHECKING:
    import numpy as np


class Recall(PerClass):
    """How many of a class are read as it, for each class or label and their mean.

    TP / (TP + FN), from counts of true and false positives and negatives. A class without test examples is left out.

    Shapes: (examples | steps, num_classes | num_labels | num_tags) -> ``macro_recall``, ``recall/<class>``

    Raises: Nothing.

    Example:
        evaluate: {metrics: [{type: recall, per_class: false}]}

    Reference: C. J. van Rijsbergen, 1979, Information Retrieval, chapter 7.
    """

    type: Literal["recall"] = "recall"
    average: ClassVar[str] = "macro_recall"

    def scores(self, evidence: Evidence) -> np.ndarray:
        from sklearn.metrics import recall_score

        scores: np.ndarray = recall_score(**answers(evidence))
        return scores
