"""Forecast: what was seen, what followed, and what was forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_VALUES = 2


class Forecast(Plot):
    """Some examples: what was seen, what followed (blue), the forecast (orange) and the last value seen (dotted).

    Examples are spread evenly over the split; of a forecast of several values the first two are drawn. Steps count
    from the last that is seen.

    Shapes: (examples, horizon, num_values) -> a picture

    Raises: Nothing.

    Example:
        evaluate: {plots: [forecast]}

    Reference: W. Playfair, 1786, The Commercial and Political Atlas.
    """

    type: Literal["forecast"] = "forecast"
    tasks: ClassVar[frozenset[Task]] = frozenset({"forecast"})
    kinds: ClassVar[frozenset[Kind]] = frozenset({"sequence"})
    title: ClassVar[str] = "Forecasts and what came"

    examples: int = Field(4, ge=1, le=12, description="how many examples are drawn, 1 to 12")

    def draw(self, evidence: Evidence) -> Figure | None:
        import numpy as np

        from kpipe.evaluation.drawing import SMALL, figure
        from kpipe.evaluation.naive import context

        chosen = np.unique(np.linspace(0, len(evidence) - 1, min(self.examples, len(evidence))).astype(int))
        seen, names = context(evidence, chosen), evidence.names[:MOST_VALUES]
        drawn = figure(height=1.35 * len(chosen) + 0.4)
        panels = drawn.subplots(len(chosen), len(names), squeeze=False, sharex=True)
        for row, position in enumerate(chosen):
            for value in range(len(names)):
                before = None if seen is None else seen[row, :, value]
                true, said = evidence.targets[position, :, value], evidence.outputs[position, :, value]
                draw_one(panels[row, value], before, true, said)
        label(panels, [f"{evidence.split_name} example {position}" for position in chosen], names)
        drawn.legend(
            *panels[0, 0].get_legend_handles_labels(), loc="outside lower left", ncols=4, fontsize=SMALL, frameon=False
        )
        return drawn


def draw_one(axes: Axes, before: np.ndarray | None, true: np.ndarray, said: np.ndarray) -> None:
    from kpipe.evaluation.drawing import BLUE, ORANGE, SOFT, thin

    thin(axes)
    steps = range(1, len(true) + 1)
    marker = "o" if len(true) == 1 else None
    if before is not None:
        axes.plot(range(1 - len(before), 1), before, color=SOFT, linewidth=0.8, label="seen")
        axes.hlines(before[-1], 0, len(true), color=SOFT, linewidth=0.8, linestyle=":", label="as last seen")
    axes.plot(steps, true, color=BLUE, linewidth=1.2, marker=marker, markersize=3, label="what came")
    axes.plot(steps, said, color=ORANGE, linewidth=1.2, marker=marker, markersize=3, label="forecast")


def label(panels: np.ndarray, examples: list[str], names: tuple[str, ...]) -> None:
    """The example over each row, the value over each column, the steps below."""
    from kpipe.evaluation.drawing import SMALL, SOFT, shorten

    for row, example in enumerate(examples):
        for column, name in enumerate(names):
            words = f"{shorten(name)}, {example}" if len(names) > 1 else example
            panels[row, column].set_title(words, loc="left", fontsize=SMALL, color=SOFT)
    for axes in panels[-1]:
        axes.set_xlabel("steps from the last that is seen", fontsize=SMALL, color=SOFT)
