"""Chrf: how many runs of letters a translation shares with its reference."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task


class Chrf(Metric):
    """chrF of the generated texts against one reference each, over the whole split, as sacreBLEU counts it.

    (1 + beta^2) precision recall / (beta^2 precision + recall) with beta 2, of runs of 1 to 6 letters without blanks,
    and, with ``word_order`` 2 (chrF++), of runs of 1 and 2 words. From 0 to 100.

    Shapes: (examples,) texts -> ``chrf``, 100 is best

    Raises: MissingExtra: named in the pipeline, and sacrebleu is not installed.

    Example:
        evaluate: {metrics: [{type: chrf, word_order: 2}]}

    Reference: M. Popović, 2015, chrF: character n-gram F-score for automatic MT evaluation.
    """

    type: Literal["chrf"] = "chrf"
    tasks: ClassVar[frozenset[Task]] = frozenset({"text"})
    packages: ClassVar[tuple[str, ...]] = ("sacrebleu",)

    word_order: int = Field(0, ge=0, le=4, description="runs of words counted beside those of letters, 0 to 4")
    lowercase: bool = Field(False, description="capitals and small letters count as equal")

    def compute(self, evidence: Evidence) -> dict[str, float]:
        from sacrebleu.metrics import CHRF

        if not any(evidence.references):
            return {}
        scorer = CHRF(word_order=self.word_order, lowercase=self.lowercase)
        return {"chrf": float(scorer.corpus_score(list(evidence.generated), [list(evidence.references)]).score)}

    def left_out(self, evidence: Evidence) -> dict[str, str]:
        if any(evidence.references):
            return {}
        return {"chrf": f"no {evidence.split_name} example has a letter in its reference"}
