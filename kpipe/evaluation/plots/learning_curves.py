"""LearningCurves: loss, metrics and learning rate over the epochs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kpipe.evaluation.evidence import Row


class LearningCurves(Plot):
    """Loss, the first metric and the learning rate over the epochs, for train and validation.

    Epochs count on over the stages; a dotted line marks where a stage begins, or a layer's part of one, a ring the
    lowest validation loss of each. Stages that measure something else than the one before begin a new row, as their
    losses are not to be compared.

    Shapes: (epochs,) for each curve -> a picture; none without epochs

    Raises: Nothing.

    Example:
        evaluate: {plots: [learning_curves]}

    Reference: L. Prechelt, 1998, Early stopping - but when?
    """

    type: Literal["learning_curves"] = "learning_curves"
    tasks: ClassVar[frozenset[Task]] = frozenset(get_args(Task))
    title: ClassVar[str] = "Learning curves"

    def draw(self, evidence: Evidence) -> Figure | None:
        from kpipe.evaluation.drawing import INK, SMALL, figure

        rows = list(comparable(evidence.history))
        if not rows:
            return None
        drawn = figure(height=2.1 * len(rows) + 0.3)
        grid = drawn.subplots(len(rows), max(len(shown(row)) for row in rows), squeeze=False)
        begin = 1
        for panels, row in zip(grid, rows, strict=True):
            names = shown(row)
            for panel, name in zip(panels, names, strict=False):
                draw_curve(panel, row, name, begin)
            for panel in panels[len(names) :]:
                panel.set_axis_off()
            if len(rows) > 1:
                panels[0].set_title(f"loss, {stage_of(row[0])}", loc="left", fontsize=SMALL, color=INK)
            begin += len(row)
        drawn.legend(
            *drawn.axes[0].get_legend_handles_labels(),
            loc="outside lower left",
            ncols=3,
            frameon=False,
            fontsize=SMALL,
            labelcolor=INK,
        )
        return drawn


def comparable(history: Sequence[Row]) -> Iterator[list[Row]]:
    """The epochs of each run of stages that measure the same."""
    for _, epochs in groupby(history, key=lambda row: sorted(row.logs)):
        yield list(epochs)


def shown(history: Sequence[Row]) -> list[str]:
    """Loss, the first metric if there is one, the learning rate."""
    measured = [name for name in history[0].logs if name != "loss" and not name.startswith("val_")]
    return ["loss", *measured[:1], "learning rate"]


def stage_of(row: Row) -> str:
    """``1-pretrain_layerwise/dense1 -> 1-pretrain_layerwise``."""
    return row.stage.partition("/")[0]


def draw_curve(axes: Axes, history: Sequence[Row], name: str, begin: int) -> None:
    """One curve; its first epoch is number ``begin`` of the run."""
    from matplotlib.ticker import MaxNLocator

    from kpipe.evaluation.drawing import BLUE, GREEN, ORANGE, SOFT, thin

    thin(axes, name, x="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5, min_n_ticks=1))
    epochs = range(begin, begin + len(history))
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
        ring_the_best(axes, history, name, begin)
    for before, (position, row) in zip(history, enumerate(history[1:], begin + 1), strict=False):
        if row.stage != before.stage:
            axes.axvline(position - 0.5, color=SOFT, linewidth=0.8, linestyle=":")
    if name == "loss":
        name_the_parts(axes, history, begin)


def ring_the_best(axes: Axes, history: Sequence[Row], name: str, begin: int) -> None:
    """A ring where the validation loss of each stage is lowest."""
    from kpipe.evaluation.drawing import INK

    label = "lowest validation loss"
    for _, epochs in groupby(enumerate(history, begin), key=lambda numbered: numbered[1].stage):
        number, best = min(epochs, key=lambda numbered: numbered[1].logs.get("val_loss", float("inf")))
        if (value := best.logs.get(f"val_{name}")) is not None:
            axes.plot([number], [value], "o", mfc="none", mec=INK, markersize=6, mew=0.8, label=label)
            label = "_again"


def name_the_parts(axes: Axes, history: Sequence[Row], begin: int) -> None:
    """Which layer each part of a stage trains, at the upper right of the part."""
    from kpipe.evaluation.drawing import SOFT

    above = axes.get_xaxis_transform()
    for stage, epochs in groupby(enumerate(history, begin), key=lambda numbered: numbered[1].stage):
        last = max(number for number, _ in epochs)
        part = stage.partition("/")[2]
        axes.text(last, 0.98, part, transform=above, fontsize=6, color=SOFT, ha="right", va="top")
