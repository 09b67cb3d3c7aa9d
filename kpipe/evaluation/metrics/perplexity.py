"""Perplexity: among how many equally likely tokens the model hesitates."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task

LARGEST = 700.0
"""A mean loss whose exponential is still a number."""


class Perplexity(Metric):
    """Among how many equally likely tokens the model hesitates: exp of the mean loss of a token.

    exp(-1/n sum log p(token | those before it)) over all tokens of the split, and the same as
    ``bits_per_token`` = mean loss / log 2. Models are to be compared only where they cut text into the same tokens.

    Shapes: (steps,) -> ``perplexity``, 1 is best, and ``bits_per_token``, 0 is best

    Raises: Nothing.

    Example:
        evaluate: {metrics: [perplexity]}

    Reference: F. Jelinek, R. Mercer, L. Bahl, J. Baker, 1977, Perplexity: a measure of the difficulty of speech
        recognition tasks.
    """

    type: Literal["perplexity"] = "perplexity"
    tasks: ClassVar[frozenset[Task]] = frozenset({"text", "next_token"})

    def produces(self, task: Task | None) -> tuple[str, ...]:  # noqa: ARG002
        return ("perplexity", "bits_per_token")

    def compute(self, evidence: Evidence) -> dict[str, float]:
        mean = float(evidence.losses.mean())
        values = {} if mean > LARGEST else {"perplexity": math.exp(mean)}
        return values | {"bits_per_token": mean / math.log(2)}

    def left_out(self, evidence: Evidence) -> dict[str, str]:
        return {"perplexity": "it is beyond all numbers"} if evidence.losses.mean() > LARGEST else {}
