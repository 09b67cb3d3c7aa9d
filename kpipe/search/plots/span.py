"""Span: from which score to which a picture shows the trials, and the colour of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kpipe.tuning.search import Direction

FAR = 3.0
"""Scores farther than so many times the middle half's width beyond its worse end are not given room."""


def span(scores: Sequence[float], direction: Direction) -> tuple[float, float]:
    """The lowest and highest score shown: all, but for those that are far worse than the others (Tukey's far out)."""
    import numpy as np

    low, high = min(scores), max(scores)
    quarter, three_quarters = np.quantile(scores, (0.25, 0.75))
    room = FAR * float(three_quarters - quarter)
    if room > 0 and direction == "max":
        low = min(score for score in scores if score >= quarter - room)
    elif room > 0:
        high = max(score for score in scores if score <= three_quarters + room)
    if low == high:
        margin = abs(low) * 0.01 or 0.01
        return low - margin, high + margin
    return low, high


def shade(direction: Direction) -> Any:
    """The colours of scores: the better, the darker."""
    from matplotlib.colors import LinearSegmentedColormap

    from kpipe.evaluation.drawing import BLUE

    found = LinearSegmentedColormap.from_list("better is darker", ["#f3f6f8", "#a9cbe3", BLUE, "#00304d"])
    return found if direction == "max" else found.reversed()
