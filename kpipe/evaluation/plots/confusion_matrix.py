"""ConfusionMatrix: which classes are read as which."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Task

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class ConfusionMatrix(Plot):
    """How often each class (row) is read as each class (column): right in blue, mistakes in orange.

    The number is a count; the depth of the colour is its share of the row, for mistakes the root of it, so that a
    single one is seen. Beside each row stands how many of it were read right.

    Shapes: (num_classes, num_classes) -> a picture

    Raises: Nothing.

    Example:
        evaluate: {plots: [confusion_matrix]}

    Reference: J. T. Townsend, 1971, Theoretical analysis of an alphabetic confusion matrix.
    """

    type: Literal["confusion_matrix"] = "confusion_matrix"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "tags"})
    title: ClassVar[str] = "Which classes are read as which"

    def draw(self, evidence: Evidence) -> Figure | None:
        from sklearn.metrics import confusion_matrix

        from kpipe.evaluation.drawing import WIDTH, figure, shorten

        size = len(evidence.names)
        counts = confusion_matrix(evidence.targets, evidence.predicted, labels=range(size))
        words = [shorten(name, 14) for name in evidence.names]
        room, cells = 0.4 + 0.08 * max(map(len, words)), 0.38 * size
        drawn = figure(height=min(WIDTH, cells + room + 0.3), width=min(WIDTH, cells + room + 1.0))
        axes = drawn.subplots()
        colours = shades(counts)
        axes.imshow(colours, aspect="equal", interpolation="nearest")
        label(axes, words, counts)
        if size <= 40:
            write_counts(axes, counts, colours)
        return drawn


def shades(counts: np.ndarray) -> np.ndarray:
    """White to blue on the diagonal, white to orange off it (num_classes, num_classes, 3), in [0, 1]."""
    import numpy as np
    from matplotlib.colors import to_rgb

    from kpipe.evaluation.drawing import BLUE, ORANGE

    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    right = np.eye(len(counts), dtype=bool)[..., None]
    depth = np.where(right, share[..., None], np.sqrt(share)[..., None])
    return np.asarray(1 - depth * (1 - np.where(right, to_rgb(BLUE), to_rgb(ORANGE))))


def label(axes: Axes, names: list[str], counts: np.ndarray) -> None:
    from kpipe.evaluation.drawing import FAINT, SMALL, SOFT, thin

    size = len(names)
    thin(axes, x="read as", y="is", grid=False)
    shown = range(0, size, -(-size // 50))
    words = [names[i] for i in shown]
    small = SMALL if size <= 20 else 5.5
    upright = max(len(word) for word in words) > 3
    axes.set_xticks(shown, words, fontsize=small, rotation=90 if upright else 0)
    axes.set_yticks(shown, words, fontsize=small)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set(visible=True, color=FAINT)
    if size <= 40:
        totals = counts.sum(axis=1)
        for row, total in enumerate(totals):
            words_right = f"{counts[row, row]} of {total}" if total else "none"
            axes.text(size - 0.3, row, words_right, fontsize=small, color=SOFT, va="center")


def write_counts(axes: Axes, counts: np.ndarray, colours: np.ndarray) -> None:
    from kpipe.evaluation.drawing import INK, SMALL

    dark = colours @ (0.299, 0.587, 0.114) < 0.6
    for row, column in zip(*counts.nonzero(), strict=True):
        colour = "white" if dark[row, column] else INK
        size = (SMALL if len(counts) <= 20 else 5.5) * min(1.0, 3 / len(str(counts[row, column])))
        axes.text(column, row, counts[row, column], fontsize=size, color=colour, ha="center", va="center")
