"""The share of the objective's variance that each hyperparameter explains, as bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kpipe.tuning.space import short_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "What the objective depends on"
MOST = 15


def draw(shares: Mapping[str, float] | None, objective: str) -> Figure | None:
    """A bar for each hyperparameter, the 15 largest; None where it cannot be told, or of a single one."""
    from kpipe.evaluation.drawing import BLUE, INK, SMALL, SOFT, figure, shorten, thin

    if not shares or len(shares) < 2:
        return None
    names = short_names(shares)
    shown = sorted(shares, key=lambda path: -shares[path])[:MOST]
    drawn = figure(height=0.9 + 0.28 * len(shown))
    axes = thin(drawn.subplots(), f"share of the variance of {objective}", grid=False)
    places = range(len(shown))
    axes.barh(places, [shares[path] for path in shown], height=0.62, color=BLUE)
    axes.set_yticks(places, [shorten(names[path], 28) for path in shown], color=INK)
    axes.invert_yaxis()
    axes.set(xlim=(0, max(shares.values()) * 1.12), xticks=[])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
    for place, path in enumerate(shown):
        share = shares[path]
        words = f"{share:.0%}" if share >= 0.01 or share == 0 else "<1%"
        axes.annotate(
            words, (share, place), (4, 0), textcoords="offset points", fontsize=SMALL, color=SOFT, va="center"
        )
    return drawn
