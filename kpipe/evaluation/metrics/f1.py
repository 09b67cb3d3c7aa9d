"""F1: the harmonic mean of precision and recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.per_output import PerClass, answers

if TYPE_CHECKING:
    import numpy as np


class F1(PerClass):
    """The harmonic mean of precision and recall, for each class or label and their mean.

    2 TP / (2 TP + FP + FN), from counts of true and false positives and negatives. A class without test
    examples is left out.

    Shapes: (examples | steps, num_classes | num_labels | num_tags) -> ``macro_f1``, ``f1/<class>``

    Raises: Nothing.

    Example:
        evaluate: {metrics: [{type: f1, per_class: false}]}

    Reference: C. J. van Rijsbergen, 1979, Information Retrieval, chapter 7.
    """

    type: Literal["f1"] = "f1"
    average: ClassVar[str] = "macro_f1"

    def scores(self, evidence: Evidence) -> np.ndarray:
        from sklearn.metrics import f1_score

        scores: np.ndarray = f1_score(**answers(evidence))
        return scores
