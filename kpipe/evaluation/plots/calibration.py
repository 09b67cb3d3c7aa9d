"""Calibration: stated probability against what came true."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Calibration(Plot):
    """Stated probability against the fraction that came true, and how often each probability was stated.

    On the dotted line the model's probabilities can be taken at their word; below it the model is too sure of itself.
    A point's area grows with the number of predictions behind it.

    Shapes: (examples, num_classes | num_labels) -> a picture

    Raises: Nothing.

    Example:
        evaluate: {plots: [{type: calibration, bins: 15}]}

    Reference: A. Niculescu-Mizil, R. Caruana, 2005, Predicting good probabilities with supervised learning.
    """

    type: Literal["calibration"] = "calibration"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels"})
    title: ClassVar[str] = "Are its probabilities right?"

    bins: int = Field(10, ge=2, le=100, description="equally wide bins of probability, 2 to 100")

    def draw(self, evidence: Evidence) -> Figure | None:
        from matplotlib.ticker import NullLocator

        from kpipe.evaluation.drawing import BLUE, FAINT, SMALL, SOFT, figure, thin
        from kpipe.evaluation.metrics.calibration import reliability

        came_true, stated, counts = reliability(evidence, self.bins)
        drawn = figure(height=2.8)
        curve, often = drawn.subplots(1, 2)
        thin(curve, "fraction that came true", x="stated probability").set(xlim=(0, 1.02), ylim=(0, 1.02))
        curve.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle=":")
        curve.vlines(stated, stated, came_true, color=FAINT, linewidth=2)
        curve.scatter(stated, came_true, s=10 + 90 * counts / counts.max(), color=BLUE, linewidths=0, zorder=3)
        thin(often, "predictions stated so", x="stated probability").set(xlim=(0, 1.02))
        middles = ((stated * self.bins).astype(int).clip(max=self.bins - 1) + 0.5) / self.bins
        often.bar(middles, counts, width=0.8 / self.bins, color=BLUE, log=True)
        often.set_ylim(0.7, counts.max() * 2.5)
        often.yaxis.set_minor_locator(NullLocator())
        often.yaxis.set_major_formatter(lambda count, _: f"{count:,g}")
        if self.bins <= 12:
            for middle, count in zip(middles, counts, strict=True):
                often.text(middle, count * 1.05, f"{count:,}", fontsize=SMALL - 1, color=SOFT, ha="center", va="bottom")
        return drawn
