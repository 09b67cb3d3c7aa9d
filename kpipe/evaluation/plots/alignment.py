"""Alignment: where the model looks in the source while it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST = 40
"""Tokens drawn along a side at most."""


class Alignment(Plot):
    """Where the model looks in the source while it writes: a row for each token it writes, darker is more attention.

    The text is the model's own, generated from the source alone. Several heads are averaged, of several layers the
    last is taken; every row sums to 1. The examples are the first of the split that are wrong and right by turns. None
    is drawn for a model without attention.

    Shapes: (heads, target, source) of each example -> a picture

    Raises: Nothing.

    Example:
        evaluate: {plots: [{type: alignment, count: 2}]}

    Reference: D. Bahdanau, K. Cho, Y. Bengio, 2015, Neural machine translation by jointly learning to align and
        translate, figure 3.
    """

    type: Literal["alignment"] = "alignment"
    tasks: ClassVar[frozenset[Task]] = frozenset({"text"})
    kinds: ClassVar[frozenset[Kind]] = frozenset({"tokens"})
    title: ClassVar[str] = "Where the model looks while it writes"

    count: int = Field(4, ge=1, le=20, description="examples, 1 to 20")

    def draw(self, evidence: Evidence) -> Figure | None:
        from kpipe.evaluation.drawing import WIDTH, figure
        from kpipe.parts import parts_of

        if parts_of(evidence.model).attention is None:
            return None
        shown = [aligned(evidence, position) for position in self.positions(evidence)]
        columns = min(2, len(shown))
        rows = -(-len(shown) // columns)
        height = max(min(0.16 * len(written) + 1.0, 6.0) for _, written, _ in shown)
        drawn = figure(min(rows * height, 40.0), WIDTH)
        grid = drawn.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(shown) :]:
            axes.set_axis_off()
        for axes, (weights, written, read) in zip(grid, shown, strict=False):
            place(axes, weights, written, read)
        return drawn

    def positions(self, evidence: Evidence) -> list[int]:
        """Of the split's examples the first that are wrong and the first that are right, by turns."""
        pairs = enumerate(zip(evidence.generated, evidence.references, strict=True))
        right: list[int] = []
        wrong: list[int] = []
        for position, (text, reference) in pairs:
            (right if text == reference else wrong).append(position)
        half = max(self.count // 2, self.count - len(right))
        chosen = wrong[:half]
        return sorted(chosen + right[: self.count - len(chosen)])


def aligned(evidence: Evidence, position: int) -> tuple[np.ndarray, list[str], list[str]]:
    """The weights (written, read) of one example, with the tokens written and read."""
    import keras
    import numpy as np

    from kpipe.parts import parts_of
    from kpipe.tokenization.special import END, PADDING, START

    source, previous = evidence.signature.inputs
    known, learned = source.vocabulary, evidence.signature.target.vocabulary
    model = parts_of(evidence.model).attention
    assert known is not None
    assert learned is not None
    assert model is not None
    read = evidence.split.take(np.array([position]))[source.name]
    longest = evidence.signature.target.max_length or LONGEST
    written = [*learned.encode(evidence.generated[position])[: longest - 1], END]
    given = np.full((1, longest), PADDING, "int32")  # of one length, so that nothing is compiled twice
    given[0, : len(written)] = [START, *written[:-1]]
    maps = model({source.name: read, previous.name: given}, training=False)
    last = [weights for name, weights in maps.items() if name == "attention" or name.endswith("_cross")][-1]
    weights = np.asarray(keras.ops.convert_to_numpy(last), "float32")[0].mean(axis=0)
    tokens = read[0][read[0] != PADDING][:LONGEST]
    words = [learned.tokens[token] for token in written[:LONGEST]]
    return weights[: len(words), : len(tokens)], words, [known.tokens[token] for token in tokens]


def place(axes: Axes, weights: np.ndarray, written: list[str], read: list[str]) -> None:
    """A matrix with the source above it and the written text at its left."""
    from kpipe.evaluation.drawing import FAINT, SMALL, SOFT, WIDTH, shorten

    single = all(len(word) == 1 for word in read)
    room = 72 * WIDTH / 2.6
    size = min(SMALL, 0.9 * room / max(len(read), 1))
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axes.xaxis.tick_top()
    names = [shorten(word, 12) for word in read]
    axes.set_xticks(range(len(read)), names, rotation=0 if single else 90, fontsize=size)
    rows = [shorten(word, 12) for word in written]
    axes.set_yticks(range(len(rows)), rows, fontsize=min(SMALL, 150 / len(rows)))
    axes.tick_params(colors=SOFT, length=0, pad=1)
    for spine in axes.spines.values():
        spine.set(color=FAINT, linewidth=0.6)
