"""Residuals: what the predictions leave unexplained."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Residuals(Plot):
    """What the predictions leave unexplained, true - predicted: against the prediction, and how often each size occurs.

    A good fit is a cloud around zero without a trend or a funnel.

    Shapes: (examples, num_values) -> a picture, with a row for each of the first four values

    Raises: Nothing.

    Example:
        evaluate: {plots: [residuals]}

    Reference: F. J. Anscombe, J. W. Tukey, 1963, The examination and analysis of residuals.
    """

    type: Literal["residuals"] = "residuals"
    tasks: ClassVar[frozenset[Task]] = frozenset({"values"})
    title: ClassVar[str] = "What is left unexplained"

    points: int = Field(2000, ge=10, le=100_000, description="examples drawn at most, evenly picked, 10 to 100,000")

    def draw(self, evidence: Evidence) -> Figure | None:
        import numpy as np

        from kpipe.evaluation.drawing import BLUE, SOFT, figure, shorten, thin

        names = evidence.names[:4]
        drawn = figure(height=2.6 * len(names))
        picked = np.linspace(0, len(evidence) - 1, min(self.points, len(evidence))).astype(int)
        panels = drawn.subplots(len(names), 2, squeeze=False, sharey="row", width_ratios=(2, 1))
        for position, ((cloud, often), name) in enumerate(zip(panels, names, strict=True)):
            left = evidence.targets[:, position] - evidence.outputs[:, position]
            thin(cloud, shorten(name, 30), x="predicted", y="true - predicted")
            cloud.scatter(evidence.outputs[picked, position], left[picked], s=8, color=BLUE, alpha=0.5, linewidths=0)
            thin(often, x="examples")
            often.hist(left, bins=min(30, max(5, len(left) // 5)), orientation="horizontal", color=BLUE)
            for axes in (cloud, often):
                axes.axhline(0, color=SOFT, linewidth=0.8, linestyle=":")
        return drawn
