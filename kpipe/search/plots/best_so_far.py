"""The objective of each trial in the order of their end, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from kpipe.search.frame import best_first, done, score_of
from kpipe.search.plots.span import span
from kpipe.search.trial import Trial
from kpipe.tuning.search import Direction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "The best so far"


def draw(trials: Sequence[Trial], objective: str, direction: Direction) -> Figure | None:
    """A dot for each trial, the best so far as a line, a star on the best; a cross at the edge where there is no score.

    Trials that were stopped or repeat another do not count: they are rings, and never the best. A trial so far off that
    the others would lie on one line is a triangle at the edge. None with fewer than two trials that are done.
    """
    from matplotlib.ticker import MaxNLocator

    from kpipe.evaluation.drawing import BLUE, INK, SMALL, figure, thin

    finished = done(trials)
    if len(finished) < 2:
        return None
    ended = [trial for trial in trials if trial.status != "running"]
    drawn = figure(height=3.0)
    axes = thin(drawn.subplots(), objective, x="trials, in the order of their end")
    low, high = span([score_of(trial) for trial in finished], direction)
    room = 0.08 * (high - low)
    axes.set(xlim=(0.5, len(ended) + 0.5), ylim=(low - 2 * room, high + 1.5 * room))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))

    places = {trial.name: place for place, trial in enumerate(ended, 1)}
    draw_dots(axes, ended, low, high)
    best = accumulate((score_of(trial) for trial in finished), max if direction == "max" else min)
    steps = [(places[trial.name], score) for trial, score in zip(finished, best, strict=True)]
    steps.append((len(ended), steps[-1][1]))
    axes.step(*zip(*steps, strict=True), where="post", color=BLUE, linewidth=1.4, label="best so far", zorder=2)
    winner = best_first(finished, direction)[0]
    axes.plot(
        places[winner.name], score_of(winner), "*", color=INK, markersize=11, label=f"best, {winner.name}", zorder=5
    )
    look = {"frameon": False, "fontsize": SMALL - 1, "labelcolor": INK, "handletextpad": 0.3, "columnspacing": 1.1}
    drawn.legend(loc="outside lower left", ncols=7, handlelength=1.4, **look)
    return drawn


def draw_dots(axes: Axes, trials: Sequence[Trial], low: float, high: float) -> None:
    """The trials by what became of them; those off the picture at its edge."""
    from kpipe.evaluation.drawing import BLUE, ORANGE, SOFT

    bottom, top = axes.get_ylim()
    finished = {trial.name for trial in done(trials)}
    kinds: dict[str, list[tuple[float, float]]] = {}
    for place, trial in enumerate(trials, 1):
        score = trial.score
        if score is None:
            kinds.setdefault("no score", []).append((place, bottom))
        elif not low <= score <= high:
            below = score < low
            kinds.setdefault("lower" if below else "higher", []).append((place, bottom if below else top))
        else:
            kinds.setdefault("done" if trial.name in finished else "not counted", []).append((place, score))
    looks: dict[str, dict[str, Any]] = {
        "done": {"marker": "o", "color": BLUE, "s": 16, "alpha": 0.75, "linewidths": 0},
        "not counted": {"marker": "o", "facecolors": "white", "edgecolors": SOFT, "s": 16, "linewidths": 0.8},
        "no score": {"marker": "x", "color": ORANGE, "s": 22, "linewidths": 1.2},
        "lower": {"marker": "v", "color": SOFT, "s": 22, "linewidths": 0},
        "higher": {"marker": "^", "color": SOFT, "s": 22, "linewidths": 0},
    }
    for kind, look in looks.items():
        if kind in kinds:
            axes.scatter(*zip(*kinds[kind], strict=True), label=kind, zorder=3, clip_on=False, **look)
