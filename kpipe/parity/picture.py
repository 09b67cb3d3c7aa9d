"""The picture of a comparison: the loss on every backend, and how far apart they are, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpipe.parity.report import PartReport, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 2.6
"""inches of each part"""
LEAST = 1e-9
"""Where equal numbers are drawn, on an axis of logarithms."""


def draw(report: Report) -> Figure:
    """A row for each part: on the left the losses, on the right the differences from the first backend, and what is
    allowed as a line."""
    from kpipe.evaluation.drawing import INK, SMALL, WIDTH, figure

    drawn = figure(height=HEIGHT * len(report.parts) + 0.3, width=1.5 * WIDTH)
    grid: Any = drawn.subplots(len(report.parts), 2, squeeze=False)
    for (left, right), part in zip(grid, report.parts, strict=True):
        draw_losses(left, part)
        draw_differences(right, part, report.backends[0])
    handles, labels = grid[0][0].get_legend_handles_labels()
    drawn.legend(
        handles, labels, loc="outside lower left", ncols=3, frameon=False, fontsize=SMALL, labelcolor=INK
    )  # fmt: skip
    return drawn


def draw_losses(axes: Axes, part: PartReport) -> None:
    """Lines that lie on each other differ in width and dashes, so that each is seen."""
    from kpipe.evaluation.drawing import shorten, thin

    thin(axes, f"loss, {shorten(part.name, 40)}", x="step")
    for number, (backend, course) in enumerate(part.courses.items()):
        axes.plot(range(1, len(course.losses) + 1), course.losses, label=backend, **look(number))


def draw_differences(axes: Axes, part: PartReport, first: str) -> None:
    from kpipe.evaluation.drawing import SOFT, thin

    thin(axes, f"difference from {first}", x="step")
    for number, (backend, course) in enumerate(part.courses.items()):
        if backend != first:
            shown = [max(one, LEAST) for one in course.differences]
            axes.plot(range(1, len(shown) + 1), shown, **{**look(number), "linewidth": 1.2, "linestyle": "-"})
    allowed = next((row.allowed for row in part.rows if row.what == "loss"), None)
    if allowed:
        axes.axhline(allowed, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set(yscale="log", ylim=(LEAST, None))


def look(number: int) -> dict[str, Any]:
    from kpipe.evaluation.drawing import BLUE, GREEN, ORANGE

    return {
        "color": (BLUE, ORANGE, GREEN)[number % 3],
        "linewidth": (3.0, 1.8, 1.0)[number % 3],
        "linestyle": ("-", "--", ":")[number % 3],
    }
