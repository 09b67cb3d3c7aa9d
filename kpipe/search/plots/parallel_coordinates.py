"""Every trial as a line through its values, an upright axis for each hyperparameter and one for the objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kpipe.search.frame import best_first, done, score_of
from kpipe.search.plots.scale import MISSING, Scale
from kpipe.search.plots.span import shade, span
from kpipe.search.trial import Trial
from kpipe.tuning.search import Direction
from kpipe.tuning.space import Axis, short_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "The trials, value by value"
MOST = 7
"""Hyperparameters shown; of more, the most important."""


def draw(
    trials: Sequence[Trial],
    axes: Sequence[Axis],
    objective: str,
    direction: Direction,
    shares: Mapping[str, float] | None = None,
) -> Figure | None:
    """Lines of trials that are done, the better the darker, the best one thick with dots.

    Lines through the same choice are spread within its cell, the better the higher (the lower, where lower is better),
    so that they can be followed. A hyperparameter that a trial does not have is passed below its axis. None with fewer
    than two trials that are done.
    """
    from kpipe.evaluation.drawing import INK, ORANGE, figure

    finished = done(trials)
    if len(finished) < 2 or not axes:
        return None
    shown = chosen(axes, shares)
    names = short_names(axis.path for axis in axes)
    low, high = span([score_of(trial) for trial in finished], direction)
    drawn = figure(height=3.4)
    panel = drawn.subplots()
    scales = [Scale(axis) for axis in shown]
    draw_axes(panel, scales, [names[axis.path] for axis in shown], objective, (low, high), finished)
    colours, positions = shade(direction), range(len(scales) + 1)
    ranked = best_first(finished, direction)
    for order, trial in enumerate(reversed(ranked)):
        height = min(max((score_of(trial) - low) / (high - low), 0.0), 1.0)
        places = [spread(scale, trial, height) for scale in scales] + [height]
        if trial is ranked[0]:
            panel.plot(positions, places, "-o", color="white", linewidth=4.5, markersize=7, zorder=400)
            panel.plot(positions, places, "-o", color=ORANGE, linewidth=2.2, markersize=5, mec=INK, mew=0.6, zorder=401)
        else:
            colour = colours(0.15 + 0.85 * height if direction == "max" else 0.85 * height)
            panel.plot(positions, places, color=colour, linewidth=0.9, zorder=3 + order / len(ranked))
    return drawn


def chosen(axes: Sequence[Axis], shares: Mapping[str, float] | None) -> list[Axis]:
    """The most important ones in the order of the space."""
    known = shares or {}
    kept = sorted(axes, key=lambda axis: -known.get(axis.path, 0.0))[:MOST]
    return [axis for axis in axes if axis in kept]


def spread(scale: Scale, trial: Trial, height: float) -> float:
    """The place of a value; within the cell of a choice by the trial's score."""
    place = scale.place(trial)
    return place if scale.is_number or place == MISSING else place + 0.5 * (height - 0.5) / len(scale.values)


def draw_axes(
    panel: Axes,
    scales: Sequence[Scale],
    names: Sequence[str],
    objective: str,
    ends: tuple[float, float],
    trials: Sequence[Trial],
) -> None:
    """Upright axes with their values at the left; names above, slanted where there are many."""
    from kpipe.evaluation.drawing import INK, SMALL, SOFT, shorten
    from kpipe.search.plots.scale import label, round_numbers

    panel.set_axis_off()
    panel.set(xlim=(-0.35, len(scales) + 0.15), ylim=(MISSING - 0.06 if misses(scales, trials) else -0.05, 1.02))
    low, high = ends
    marks = [((value - low) / (high - low), label(value)) for value in round_numbers(low, high, 5, False, False)]
    crowded = len(scales) > 4
    ground = {"facecolor": "white", "alpha": 0.75, "pad": 0.6, "linewidth": 0}
    for position, (name, ticks) in enumerate(
        zip([*names, objective], [*(scale.ticks() for scale in scales), marks], strict=True)
    ):
        panel.vlines(position, 0, 1, color=SOFT, linewidth=0.7, zorder=2)
        if position < len(scales) and misses(scales[position : position + 1], trials):
            ticks = [*ticks, (MISSING, "not there")]
        for place, words in ticks:
            panel.hlines(place, position - 0.02, position + 0.02, color=SOFT, linewidth=0.7, zorder=2)
            panel.annotate(
                shorten(words, 18 if len(scales) < 4 else 10), (position, place), (-4, 0), textcoords="offset points",
                ha="right", va="center", fontsize=SMALL - 1.5, color=INK, zorder=500, bbox=ground,
            )  # fmt: skip
        panel.annotate(
            shorten(name, 22), (position, 1.03), (0, 4), textcoords="offset points", fontsize=SMALL - 0.5, color=INK,
            ha="left" if crowded else "center", va="bottom", rotation=25 if crowded else 0, annotation_clip=False,
        )  # fmt: skip


def misses(scales: Sequence[Scale], trials: Sequence[Trial]) -> bool:
    """Whether a trial lacks one of the hyperparameters."""
    return any(scale.place(trial) == MISSING for scale in scales for trial in trials)
