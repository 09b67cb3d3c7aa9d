"""ForecastError: how far off a forecast is, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_VALUES = 3


class ForecastError(Plot):
    """The mean absolute error at each step of the horizon, beside that of the last value seen (dotted).

    Of a forecast of several values the first three are drawn, each in its unit.

    Shapes: (examples, horizon, num_values) -> a picture; none where the horizon is one step

    Raises: Nothing.

    Example:
        evaluate: {plots: [forecast_error]}

    Reference: R. Hyndman, A. Koehler, 2006, Another look at measures of forecast accuracy.
    """

    type: Literal["forecast_error"] = "forecast_error"
    tasks: ClassVar[frozenset[Task]] = frozenset({"forecast"})
    title: ClassVar[str] = "How far off, step by step"

    def draw(self, evidence: Evidence) -> Figure | None:
        import numpy as np
        from matplotlib.ticker import MaxNLocator

        from kpipe.evaluation.drawing import ORANGE, SMALL, SOFT, figure, shorten, thin
        from kpipe.evaluation.naive import naive

        horizon = evidence.targets.shape[1]
        if horizon < 2:
            return None
        errors, last = np.abs(evidence.outputs - evidence.targets).mean(axis=0), naive(evidence)
        steps, names = range(1, horizon + 1), evidence.names[:MOST_VALUES]
        drawn = figure(height=2.4)
        for value, axes in enumerate(drawn.subplots(1, len(names), squeeze=False)[0]):
            name = shorten(names[value]) if len(names) > 1 else ""
            thin(axes, name, x="step", y="mean absolute error" if value == 0 else "")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            axes.plot(steps, errors[:, value], color=ORANGE, linewidth=1.2, label="forecast")
            if last is not None:
                unchanged = np.abs(last - evidence.targets).mean(axis=0)[:, value]
                axes.plot(steps, unchanged, ":", color=SOFT, linewidth=1.2, label="as last seen")
            axes.set_ylim(bottom=0)
        drawn.legend(
            *drawn.axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2, fontsize=SMALL, frameon=False
        )
        return drawn
