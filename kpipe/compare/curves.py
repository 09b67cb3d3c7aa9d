"""Curves: the learning curves of several runs over each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kpipe.compare.kept import Side, curve_parts
from kpipe.report import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#56b4e9", "#222222")
"""Okabe and Ito's (2008), the darkest first."""
LINES = ("-", "--", ":", "-.")
MOST = 12
"""Curves that are drawn."""
FEW = 6
"""Sides up to which each picture names them all; of more, the first does."""
KINDS = ("val", "train", "rate")


def draw(sides: Sequence[Side]) -> list[Picture]:
    """A picture for each curve, in it a colour for each side: of a group the mean, over a thin line for each seed."""
    from kpipe.evaluation.drawing import png

    names = curve_names(sides)[:MOST]
    return [
        Picture(name, titled(name), png(drawn(sides, name, with_names=len(sides) <= FEW or not at)))
        for at, name in enumerate(names)
    ]


def curve_names(sides: Sequence[Side]) -> list[str]:
    """The curves there are: the loss first, of each measure that of validation before that of training."""
    found = list(dict.fromkeys(name for side in sides for kept in side.runs for name in kept.curves))
    metrics = list(dict.fromkeys(curve_parts(name)[2] for name in found))

    def rank(name: str) -> tuple[bool, bool, int, int]:
        _, kind, metric = curve_parts(name)
        return kind == "rate", metric != "loss", metrics.index(metric), KINDS.index(kind)

    return sorted(found, key=rank)


def drawn(sides: Sequence[Side], name: str, with_names: bool) -> Figure:
    from matplotlib.ticker import MaxNLocator

    from kpipe.evaluation.drawing import INK, SMALL, figure, thin

    found = figure(height=2.5 + (0.2 * -(-len(sides) // 2) if with_names else 0.0))
    axes = thin(found.subplots(), x="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    for at, side in enumerate(sides):
        colour, line = COLOURS[at % len(COLOURS)], LINES[at // len(COLOURS) % len(LINES)]
        curves = [kept.curves[name] for kept in side.runs if name in kept.curves]
        for curve in curves if side.is_group else ():
            axes.plot(*zip(*curve, strict=True), line, color=colour, linewidth=0.6, alpha=0.35)
        mean = list(means(curves))
        if mean:
            marker = "o" if len(mean) == 1 else None
            axes.plot(*zip(*mean, strict=True), line, color=colour, linewidth=1.4, marker=marker, label=side.name)
    if with_names and axes.get_legend_handles_labels()[0]:
        found.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=SMALL, labelcolor=INK)
    return found


def means(curves: Sequence[Sequence[tuple[float, float]]]) -> Iterator[tuple[float, float]]:
    """The mean at each epoch that all have: where some have ended, a mean of the others would jump."""
    by_epoch = [dict(curve) for curve in curves]
    for epoch in sorted(set.intersection(*map(set, by_epoch))) if by_epoch else ():
        yield epoch, sum(known[epoch] for known in by_epoch) / len(by_epoch)


def titled(name: str) -> str:
    """``1-fit/val/loss -> loss, validation (1-fit)``."""
    stage, kind, metric = curve_parts(name)
    said = "learning rate" if kind == "rate" else f"{metric}, {'validation' if kind == 'val' else 'train'}"
    stage = name.removesuffix("progress/learning_rate") if kind == "rate" else stage
    return f"{said} ({stage.rstrip('/')})" if stage else said
