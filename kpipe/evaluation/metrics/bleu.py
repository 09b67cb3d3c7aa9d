"""Bleu: how many runs of words a translation shares with its reference."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task

ORDER = 4


class Bleu(Metric):
    """BLEU of the generated texts against one reference each, over the whole split, as sacreBLEU counts it.

    100 * brevity penalty * (p_1 p_2 p_3 p_4) ** (1/4), where p_n is the fraction of runs of n words that the reference
    has too. From 0 to 100. Only numbers of the same `tokenize` and `lowercase` can be compared.

    Shapes: (examples,) texts -> ``bleu``, 100 is best

    Raises: MissingExtra: named in the pipeline, and sacrebleu is not installed.

    Example:
        evaluate: {metrics: [{type: bleu, lowercase: true}]}

    Reference: K. Papineni, S. Roukos, T. Ward, W.-J. Zhu, 2002, BLEU. M. Post, 2018, A call for clarity in reporting
        BLEU scores.
    """

    type: Literal["bleu"] = "bleu"
    tasks: ClassVar[frozenset[Task]] = frozenset({"text"})
    packages: ClassVar[tuple[str, ...]] = ("sacrebleu",)

    tokenize: Literal["13a", "intl", "zh", "char", "none"] = Field(
        "13a", description="how sacreBLEU cuts words: 13a is the usual one; zh, char: for scripts without blanks"
    )
    lowercase: bool = Field(False, description="capitals and small letters count as equal")

    def compute(self, evidence: Evidence) -> dict[str, float]:
        scorer = self._scorer()
        if self.left_out(evidence):
            return {}
        return {"bleu": float(scorer.corpus_score(list(evidence.generated), [list(evidence.references)]).score)}

    def left_out(self, evidence: Evidence) -> dict[str, str]:
        cut = self._scorer().tokenizer
        if any(len(cut(reference).split()) >= ORDER for reference in evidence.references):
            return {}
        return {"bleu": f"no {evidence.split_name} reference has {ORDER} words, and BLEU counts runs of {ORDER}"}

    def _scorer(self) -> Any:
        from sacrebleu.metrics import BLEU

        # sacreBLEU warns of texts that look tokenized; with few words that is no sign of anything
        return BLEU(tokenize=self.tokenize, lowercase=self.lowercase, max_ngram_order=ORDER, force=True)
