"""TokenAccuracy: the fraction of tokens that are written where they belong."""

from __future__ import annotations

from typing import ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task


class TokenAccuracy(Metric):
    """The fraction of the references' tokens that stand at the same place in the generated texts.

    Generated from the inputs alone, by the pipeline's way of decoding. A text too long by n tokens counts n more that
    are wrong: right / sum(max(length, generated length)). A token that train does not have is never right.

    Shapes: (examples,) texts -> ``token_accuracy``, in [0, 1]

    Raises: Nothing.

    Example:
        evaluate: {metrics: [token_accuracy]}

    Reference: I. Sutskever, O. Vinyals, Q. Le, 2014, Sequence to sequence learning with neural networks.
    """

    type: Literal["token_accuracy"] = "token_accuracy"
    tasks: ClassVar[frozenset[Task]] = frozenset({"text"})

    def compute(self, evidence: Evidence) -> dict[str, float]:
        from kpipe.tokenization.special import END, UNKNOWN

        vocabulary = evidence.signature.target.vocabulary
        assert vocabulary is not None
        right = total = 0
        for position, text in enumerate(evidence.generated):
            truth = [token for token in evidence.targets[evidence.steps_of(position)].tolist() if token != END]
            written = vocabulary.encode(text).tolist()
            right += sum(one == other != UNKNOWN for one, other in zip(truth, written, strict=False))
            total += max(len(truth), len(written))
        return {"token_accuracy": right / max(total, 1)}
