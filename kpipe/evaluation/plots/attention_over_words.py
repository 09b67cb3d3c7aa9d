"""AttentionOverWords: which words the answer comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

COLUMNS = 76
"""Letters of a line."""
LETTER, LINE = 0.075, 0.2
"""Inches of a letter and of a line."""
MOST_TOKENS = 120


class AttentionOverWords(Plot):
    """The tokens of some examples, the darker the more weight they have in the mean that the answer is made from.

    Of models with `pooling: attention`. The darkest token of an example has its largest weight, the others are as dark
    as the square of their share of it. Examples are spread evenly over the split; of long ones the first 120 tokens
    are shown.

    Shapes: (batch, heads, 1, time) weights -> a picture; none of a model without such weights

    Raises: Nothing.

    Example:
        evaluate: {plots: [attention_over_words]}

    Reference: Z. Yang et al., 2016, Hierarchical attention networks for document classification.
    """

    type: Literal["attention_over_words"] = "attention_over_words"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels", "values"})
    kinds: ClassVar[frozenset[Kind]] = frozenset({"tokens"})
    title: ClassVar[str] = "Which words the answer comes from"

    examples: int = Field(8, ge=1, le=30, description="how many examples are shown, 1 to 30")

    def draw(self, evidence: Evidence) -> Figure | None:
        import numpy as np

        chosen = np.unique(np.linspace(0, len(evidence) - 1, min(self.examples, len(evidence))).astype(int))
        weights = weights_of(evidence, chosen)
        if weights is None:
            return None
        tokens = evidence.split.take(chosen)[evidence.signature.input.name]
        vocabulary = evidence.signature.input.vocabulary
        assert vocabulary is not None
        blocks = []
        for position, numbers, row in zip(chosen, tokens, weights, strict=True):
            count = min(int((numbers != 0).sum()), MOST_TOKENS)
            words = [vocabulary.tokens[number] for number in numbers[:count]]
            blocks.append((caption(evidence, int(position)), list(zip(words, row[:count], strict=True))))
        return written(blocks)


def weights_of(evidence: Evidence, chosen: np.ndarray) -> np.ndarray | None:
    """The weights (examples, time) of the one query that a model's attention has, the mean over its heads."""
    import numpy as np

    from kpipe.evaluation.forward import fed
    from kpipe.parts import parts_of

    attention = parts_of(evidence.model).attention
    if attention is None:
        return None
    found = attention.predict_on_batch(fed(evidence.split.take(chosen), evidence.signature))
    single = [np.asarray(weights) for weights in found.values() if weights.shape[2] == 1]
    return single[0].mean(axis=1)[:, 0] if len(single) == 1 else None


def caption(evidence: Evidence, position: int) -> str:
    """``test example 7: good, read as bad``"""
    where = f"{evidence.split_name} example {position}"
    if evidence.task != "classes":
        return where
    names, true, read = evidence.names, int(evidence.targets[position]), int(evidence.predicted[position])
    return f"{where}: {names[true]}" + ("" if true == read else f", read as {names[read]}")


def written(blocks: list[tuple[str, list[tuple[str, float]]]]) -> Figure:
    """A caption and tokens, line by line, each token on a ground as dark as its weight."""
    from kpipe.evaluation.drawing import BLUE, INK, SMALL, SOFT, WIDTH, figure, shorten

    placed: list[tuple[int, int, str, float]] = []
    captions: list[tuple[int, str]] = []
    line = 0
    for words, tokens in blocks:
        captions.append((line, shorten(words, COLUMNS)))
        line, column = line + 1, 0
        largest = max((weight for _, weight in tokens), default=1.0) or 1.0
        for token, weight in tokens:
            text = shorten(token, 24) or "␣"
            if column + len(text) > COLUMNS:
                line, column = line + 1, 0
            placed.append((line, column, text, (float(weight) / largest) ** 2))
            column += len(text) + 1
        line += 2
    height = LINE * line + 0.1
    drawn = figure(height=height)
    drawn.set_layout_engine("none")
    for row, words in captions:
        drawn.text(0.01, 1 - (LINE * row + 0.15) / height, words, fontsize=SMALL - 1, color=SOFT, va="center")
    for row, column, text, share in placed:
        left, top = 0.1 + LETTER * column, LINE * row + 0.15
        ground = {"facecolor": BLUE, "alpha": 0.75 * share, "edgecolor": "none", "pad": 1.2}
        drawn.text(
            left / WIDTH, 1 - top / height, text, fontsize=SMALL - 0.5, family="monospace", va="center",
            color="white" if share > 0.7 else INK, bbox=ground,
        )  # fmt: skip
    return drawn
