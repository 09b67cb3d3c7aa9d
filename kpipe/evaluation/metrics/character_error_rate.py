"""CharacterErrorRate: how many letters of a text must be changed."""

from __future__ import annotations

from typing import ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task


class CharacterErrorRate(Metric):
    """The letters to insert, remove or replace until each generated text is its reference, per letter of these.

    sum of edit distances / sum of the references' lengths, both over all examples. Above 1 where too much is written.

    Shapes: (examples,) texts -> ``character_error_rate``, 0 is best

    Raises: MissingExtra: named in the pipeline, and rapidfuzz is not installed.

    Example:
        evaluate: {metrics: [character_error_rate]}

    Reference: V. Levenshtein, 1966, Binary codes capable of correcting deletions, insertions, and reversals.
    """

    type: Literal["character_error_rate"] = "character_error_rate"
    tasks: ClassVar[frozenset[Task]] = frozenset({"text"})
    packages: ClassVar[tuple[str, ...]] = ("rapidfuzz",)

    def compute(self, evidence: Evidence) -> dict[str, float]:
        from rapidfuzz.distance import Levenshtein

        letters = sum(map(len, evidence.references))
        if not letters:
            return {}
        changes = sum(map(Levenshtein.distance, evidence.generated, evidence.references))
        return {"character_error_rate": changes / letters}

    def left_out(self, evidence: Evidence) -> dict[str, str]:
        if any(evidence.references):
            return {}
        return {"character_error_rate": f"no {evidence.split_name} example has a letter in its reference"}
