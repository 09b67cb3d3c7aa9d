"""PredictedAgainstTrue: each value as it is and as it was predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class PredictedAgainstTrue(Plot):
    """Each value as it is and as it was predicted; on the dotted line a prediction is exact.

    Shapes: (examples, num_values) -> a picture, with a panel for each of the first six values

    Raises: Nothing.

    Example:
        evaluate: {plots: [predicted_against_true]}

    Reference: G. Piñeiro et al., 2008, How to evaluate models: observed vs. predicted or predicted vs. observed?
    """

    type: Literal["predicted_against_true"] = "predicted_against_true"
    tasks: ClassVar[frozenset[Task]] = frozenset({"values"})
    title: ClassVar[str] = "Predicted against true"

    points: int = Field(2000, ge=10, le=100_000, description="examples drawn at most, evenly picked, 10 to 100,000")

    def draw(self, evidence: Evidence) -> Figure | None:
        import numpy as np

        from kpipe.evaluation.drawing import BLUE, SOFT, WIDTH, figure, shorten, thin

        names = evidence.names[:6]
        columns = min(len(names), 3)
        rows = -(-len(names) // columns)
        drawn = figure(
            height=rows * max(2.2, WIDTH / columns) if columns > 1 else 3.6, width=WIDTH if columns > 1 else 4.2
        )
        picked = np.linspace(0, len(evidence) - 1, min(self.points, len(evidence))).astype(int)
        panels = drawn.subplots(rows, columns, squeeze=False).ravel()
        for panel in panels[len(names) :]:
            panel.set_axis_off()
        for position, (axes, name) in enumerate(zip(panels, names, strict=False)):
            true, predicted = evidence.targets[picked, position], evidence.outputs[picked, position]
            thin(axes, shorten(name, 30), x="predicted", y="true")
            axes.scatter(predicted, true, s=8, color=BLUE, alpha=0.5, linewidths=0)
            axes.axline((float(true.mean()),) * 2, slope=1, color=SOFT, linewidth=0.8, linestyle=":")
        return drawn
