"""ExactMatch: the fraction of texts that are right from beginning to end."""

from __future__ import annotations

from typing import ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task


class ExactMatch(Metric):
    """The fraction of generated texts that are the reference, letter for letter.

    Generated from the inputs alone, by the pipeline's way of decoding.

    Shapes: (examples,) texts -> ``exact_match``, in [0, 1]

    Raises: Nothing.

    Example:
        evaluate: {metrics: [exact_match]}

    Reference: P. Rajpurkar, J. Zhang, K. Lopyrev, P. Liang, 2016, SQuAD.
    """

    type: Literal["exact_match"] = "exact_match"
    tasks: ClassVar[frozenset[Task]] = frozenset({"text"})

    def compute(self, evidence: Evidence) -> dict[str, float]:
        pairs = zip(evidence.generated, evidence.references, strict=True)
        return {"exact_match": sum(text == reference for text, reference in pairs) / len(evidence)}
