"""RocAuc: the area under the ROC curve of each class against the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.per_output import PerClass
from kpipe.signature import Task

if TYPE_CHECKING:
    import numpy as np


class RocAuc(PerClass):
    """The area under the ROC curve, each class against the rest, and their mean.

    P(probability of a random example of the class > that of a random other example), ties counting half: 0.5 is
    guessing, 1 a perfect order. A class that has no example, or has all of them, is left out.

    Shapes: (examples, num_classes | num_labels) -> ``roc_auc``, ``roc_auc/<class>``

    Raises: Nothing.

    Example:
        evaluate: {metrics: [{type: roc_auc, per_class: false}]}

    Reference: T. Fawcett, 2006, An introduction to ROC analysis.
    """

    type: Literal["roc_auc"] = "roc_auc"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels"})
    average: ClassVar[str] = "roc_auc"

    def undefined(self, evidence: Evidence) -> dict[int, str]:
        everywhere = {
            position: f"every {evidence.split_name} example is {evidence.names[position]}"
            for position, count in enumerate(evidence.truth.sum(axis=0))
            if count == len(evidence)
        }
        return super().undefined(evidence) | everywhere

    def scores(self, evidence: Evidence) -> np.ndarray:
        import numpy as np
        from sklearn.metrics import roc_auc_score

        missing = self.undefined(evidence)
        scores = np.zeros(len(evidence.names))
        for position in range(len(scores)):
            if position not in missing:
                scores[position] = roc_auc_score(evidence.truth[:, position], evidence.outputs[:, position])
        return scores
