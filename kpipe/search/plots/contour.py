"""The objective over the two most important hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kpipe.search.frame import best_first, done, score_of
from kpipe.search.plots.scale import MISSING, Scale
from kpipe.search.plots.span import shade, span
from kpipe.search.trial import Trial
from kpipe.tuning.search import Direction
from kpipe.tuning.space import Axis, short_names

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "The objective over two hyperparameters"
ENOUGH = 10
"""Trials from which a surface is drawn."""
NEAR = 0.12
"""How far a trial is heard, of the length of an axis."""
CELLS = 90


def draw(
    trials: Sequence[Trial],
    axes: Sequence[Axis],
    objective: str,
    direction: Direction,
    shares: Mapping[str, float] | None = None,
) -> Figure | None:
    """A dot for each trial that is done, a star for the best; behind ten or more of them their smoothed objective.

    The surface is the mean of the trials near (Nadaraya and Watson, 1964), left white where none is; choices have a
    cell each, and hear no other's trials. Of a single hyperparameter the objective is drawn upright. Without ``shares``
    the first two that vary are taken. None with fewer than two trials that are done, or where nothing varies.
    """
    finished = done(trials)
    scales = chosen([Scale(axis) for axis in axes], finished, shares)
    if scales:
        finished = [trial for trial in finished if all(scale.place(trial) != MISSING for scale in scales)]
    if len(finished) < 2 or not scales:
        return None
    names = short_names(axis.path for axis in axes)
    words = [names[scale.axis.path] for scale in scales]
    if len(scales) == 1:
        return draw_one(finished, scales[0], words[0], objective, direction)
    return draw_two(finished, scales, words, objective, direction)


def chosen(scales: Sequence[Scale], trials: Sequence[Trial], shares: Mapping[str, float] | None) -> list[Scale]:
    """The two most important of those that take several values, and that most trials have, if there are two."""
    known = shares or {}
    places = {scale.axis.path: [scale.place(trial) for trial in trials] for scale in scales}
    varying = [scale for scale in scales if len(set(places[scale.axis.path]) - {MISSING}) > 1]
    rare = {path for path, found in places.items() if found.count(MISSING) > len(found) / 2}
    return sorted(varying, key=lambda scale: (scale.axis.path in rare, -known.get(scale.axis.path, 0.0)))[:2]


def draw_one(trials: Sequence[Trial], scale: Scale, name: str, objective: str, direction: Direction) -> Figure:
    from kpipe.evaluation.drawing import BLUE, INK, figure, thin

    drawn = figure(height=3.0)
    panel = thin(drawn.subplots(), objective, x=name)
    low, high = span([score_of(trial) for trial in trials], direction)
    room = 0.08 * (high - low)
    across = [place for place, _ in spread_out([scale], trials)]
    shown = [min(max(score_of(trial), low), high) for trial in trials]
    panel.scatter(across, shown, s=20, color=BLUE, alpha=0.75, linewidths=0, zorder=3)
    best = trials.index(best_first(trials, direction)[0])
    panel.plot(across[best], shown[best], "*", color=INK, markersize=12, zorder=5)
    mark(panel, "x", scale)
    panel.set_ylim(low - room, high + room)
    return drawn


def draw_two(
    trials: Sequence[Trial], scales: Sequence[Scale], names: Sequence[str], objective: str, direction: Direction
) -> Figure:
    import numpy as np
    from matplotlib.colors import Normalize

    from kpipe.evaluation.drawing import INK, SMALL, SOFT, figure, thin

    drawn = figure(height=4.0)
    panel = thin(drawn.subplots(), x=names[0], y=names[1], grid=False)
    scores = np.array([score_of(trial) for trial in trials])
    look: dict[str, Any] = {"cmap": shade(direction), "norm": Normalize(*span(scores.tolist(), direction), clip=True)}
    if len(trials) >= ENOUGH:
        draw_surface(panel, trials, scales, scores, look)
    places = np.array(spread_out(scales, trials))
    panel.scatter(places[:, 0], places[:, 1], s=52, color="white", linewidths=0, zorder=3)
    dots = panel.scatter(places[:, 0], places[:, 1], c=scores, s=26, edgecolors=INK, linewidths=0.6, zorder=3, **look)
    best = trials.index(best_first(trials, direction)[0])
    panel.plot(*places[best], "*", color="white", mec=INK, mew=1.0, markersize=15, zorder=5)
    mark(panel, "x", scales[0])
    mark(panel, "y", scales[1])
    bar = drawn.colorbar(dots, ax=panel, pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=SMALL, colors=SOFT, length=2, width=0.6)
    bar.ax.set_title(objective, fontsize=SMALL, color=SOFT, loc="right")
    if direction == "min":
        bar.ax.invert_yaxis()
    return drawn


def draw_surface(
    panel: Axes, trials: Sequence[Trial], scales: Sequence[Scale], scores: np.ndarray, look: Mapping[str, Any]
) -> None:
    """The smoothed objective (cells upward, cells across); between numbers with lines of equal height."""
    import numpy as np

    across, upward = (middles(scale) for scale in scales)
    near = [nearness(scale, trials, places) for scale, places in zip(scales, (across, upward), strict=True)]
    weights = np.einsum("tx,ty->yx", near[0], near[1])
    heights = np.einsum("t,tx,ty->yx", scores.clip(look["norm"].vmin, look["norm"].vmax), near[0], near[1])
    surface = np.ma.masked_where(weights < 0.2, heights / np.maximum(weights, 1e-12))
    edges = [np.linspace(0, 1, len(places) + 1) for places in (across, upward)]
    panel.pcolormesh(*edges, surface, alpha=0.85, zorder=1, **look)
    if all(scale.is_number for scale in scales) and np.ptp(surface) > 0:
        panel.contour(across, upward, surface, levels=7, colors="white", linewidths=0.7, zorder=2)


def middles(scale: Scale) -> np.ndarray:
    """The middles of the surface's cells along an axis: as many as there are choices, or 90."""
    import numpy as np

    count = CELLS if scale.is_number else len(scale.values)
    return (np.arange(count) + 0.5) / count


def nearness(scale: Scale, trials: Sequence[Trial], middles: np.ndarray) -> np.ndarray:
    """How much each cell hears of each trial (trials, cells), from 0 to 1."""
    import numpy as np

    away = np.array([scale.place(trial) for trial in trials])[:, None] - middles
    found = np.exp(-0.5 * (away / NEAR) ** 2) if scale.is_number else np.abs(away) < 1e-9
    return np.asarray(found, "float64")


def spread_out(scales: Sequence[Scale], trials: Sequence[Trial]) -> list[tuple[float, float]]:
    """The places of the trials; those of a choice side by side within its cell, so that none hides another."""
    turns = (0.618034, 0.754878)  # multiples of these fill a cell evenly
    spots = []
    for order, trial in enumerate(trials):
        spot = [0.0, 0.0]
        for side, (scale, turn) in enumerate(zip(scales, turns, strict=False)):
            aside = 0.0 if scale.is_number else 0.6 * ((order * turn) % 1 - 0.5) / len(scale.values)
            spot[side] = scale.place(trial) + aside
        spots.append((spot[0], spot[1]))
    return spots


def mark(panel: Axes, side: str, scale: Scale) -> None:
    """The values of a hyperparameter along a side."""
    from kpipe.evaluation.drawing import SMALL, shorten

    places, words = zip(*scale.ticks(), strict=True)
    shown = [shorten(word, 14) for word in words]
    crowded = side == "x" and sum(map(len, shown)) > 48
    turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if crowded else {}
    axis = panel.xaxis if side == "x" else panel.yaxis
    axis.set_ticks(places, shown, fontsize=SMALL if len(shown) < 9 else SMALL - 2, **turned)
    panel.set(**{f"{side}lim": (-0.03, 1.03)})
