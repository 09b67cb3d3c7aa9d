"""RocCurves: hits against false alarms, for each class or label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class RocCurves(Plot):
    """Hits against false alarms as the threshold falls, each class against the rest.

    Where all curves hug the upper left corner, it is shown enlarged. The classes with the smallest areas are named, the
    others grey. A class without test examples has no curve.

    Shapes: (examples, num_classes | num_labels) -> a picture; none when no class has a curve

    Raises: Nothing.

    Example:
        evaluate: {plots: [{type: roc_curves, named: 2}]}

    Reference: T. Fawcett, 2006, An introduction to ROC analysis.
    """

    type: Literal["roc_curves"] = "roc_curves"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels"})
    title: ClassVar[str] = "Hits against false alarms"

    named: int = Field(3, ge=1, le=4, description="curves drawn in colour, those with the smallest area, 1 to 4")

    def draw(self, evidence: Evidence) -> Figure | None:
        from sklearn.metrics import roc_curve

        from kpipe.evaluation.drawing import BLUE, GREEN, INK, ORANGE, PURPLE, SMALL, SOFT, figure, shorten, thin
        from kpipe.evaluation.metrics.roc_auc import RocAuc

        metric = RocAuc()
        missing, scores = metric.undefined(evidence), metric.scores(evidence)
        classes = sorted(set(range(len(evidence.names))) - set(missing), key=lambda i: scores[i])
        if not classes:
            return None
        drawn = figure(height=3.0)
        enlarged = scores[classes[0]] > 0.95
        whole, *corners = drawn.subplots(1, 1 + enlarged, squeeze=False)[0]
        thin(whole, "each class against the rest", x="false alarms", y="hits").set(xlim=(-0.01, 1), ylim=(0, 1.01))
        for corner in corners:
            thin(corner, "its upper left corner", x="false alarms").set(xlim=(-0.002, 0.2), ylim=(0.8, 1.005))
        whole.plot([0, 1], [0, 1], color=SOFT, linewidth=0.6, linestyle=":")
        short = max(1, sum(scores[i] < 1 for i in classes))
        styles = list(zip((ORANGE, BLUE, GREEN, PURPLE), ("-", "--", "-.", ":"), strict=True))[: min(short, self.named)]
        for rank, position in reversed(list(enumerate(classes))):
            alarms, hits, _ = roc_curve(evidence.truth[:, position], evidence.outputs[:, position])
            name = f"{shorten(evidence.names[position])}  area {scores[position]:.4f}"
            colour, line = styles[rank] if rank < len(styles) else ("#bbbbbb", "-")
            for axes in (whole, *corners):
                axes.plot(alarms, hits, line, color=colour, linewidth=1.2, label=name if rank < len(styles) else None)
        whole.legend(*reverse(whole), frameon=False, fontsize=SMALL, labelcolor=INK, loc="lower right")
        return drawn


def reverse(axes: Axes) -> tuple[list[Any], list[str]]:
    """The legend's lines and names, the one drawn last first."""
    lines, names = axes.get_legend_handles_labels()
    return lines[::-1], names[::-1]
