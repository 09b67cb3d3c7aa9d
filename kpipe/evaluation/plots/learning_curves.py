"""LearningCurves: loss, metrics and learning rate over the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kpipe.evaluation.evidence import Row


class LearningCurves(Plot):
    """Loss, the first metric and the learning rate over the epochs, for train and validation.

    Epochs count on over the stages; a dotted line marks where a stage begins, a ring the lowest validation loss.

    Shapes: (epochs,) for each curve -> a picture; none without epochs

    Raises: Nothing.

    Example:
        evaluate: {plots: [learning_curves]}

    Reference: L. Prechelt, 1998, Early stopping - but when?
    """

    type: Literal["learning_curves"] = "learning_curves"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels", "values"})
    title: ClassVar[str] = "Learning curves"

    def draw(self, evidence: Evidence) -> Figure | None:
        from kpipe.evaluation.drawing import INK, SMALL, figure

        history = evidence.history
        if not history:
            return None
        measured = [name for name in history[0].logs if name != "loss" and not name.startswith("val_")]
        shown = ["loss", *measured[:1], "learning rate"]
        drawn = figure(height=2.4)
        for panel, name in zip(drawn.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
            draw_curve(panel, history, name)
        drawn.legend(
            *drawn.axes[0].get_legend_handles_labels(),
            loc="outside lower left",
            ncols=3,
            frameon=False,
            fontsize=SMALL,
            labelcolor=INK,
        )
        return drawn


def draw_curve(axes: Axes, history: tuple[Row, ...], name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    from kpipe.evaluation.drawing import BLUE, GREEN, INK, ORANGE, SOFT, thin

    thin(axes, name, x="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5, min_n_ticks=1))
    epochs = range(1, len(history) + 1)
    marker = "o" if len(history) == 1 else None
    if name == "learning rate":
        axes.plot(epochs, [row.learning_rate for row in history], color=GREEN, linewidth=1.2, marker=marker)
        axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
        axes.set_ylim(bottom=0)
    else:
        curves = (("train", name, BLUE, "--"), ("validation", f"val_{name}", ORANGE, "-"))
        for label, key, colour, line in curves:
            values = [row.logs.get(key, float("nan")) for row in history]
            axes.plot(epochs, values, line, color=colour, linewidth=1.2, marker=marker, label=label)
        losses = [row.logs.get("val_loss", float("inf")) for row in history]
        best = min(range(len(losses)), key=losses.__getitem__)
        if (value := history[best].logs.get(f"val_{name}")) is not None:
            axes.plot(
                [best + 1], [value], "o", mfc="none", mec=INK, markersize=6, mew=0.8, label="lowest validation loss"
            )
    for before, (position, row) in zip(history, enumerate(history[1:], 2), strict=False):
        if row.stage != before.stage:
            axes.axvline(position - 0.5, color=SOFT, linewidth=0.8, linestyle=":")
