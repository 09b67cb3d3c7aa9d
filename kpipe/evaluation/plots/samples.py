"""Samples: some inputs with what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


class Samples(Plot):
    """Some images of the split with what they are, taken from every class in turn.

    Images are shown as the model gets them, before the layers inside the model that resize or normalise them.

    Shapes: (count, height, width, channels) -> a picture

    Raises: Nothing.

    Example:
        evaluate: {plots: [{type: samples, count: 16}]}

    Reference: W. S. Cleveland, 1985, The Elements of Graphing Data.
    """

    type: Literal["samples"] = "samples"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels", "values"})
    kinds: ClassVar[frozenset[Kind]] = frozenset({"image"})
    title: ClassVar[str] = "Some of the inputs"

    count: int = Field(20, ge=1, le=200, description="images shown, 1 to 200")

    def draw(self, evidence: Evidence) -> Figure | None:
        from kpipe.evaluation.drawing import INK, shorten
        from kpipe.evaluation.images import Grid, inputs_at, showable
        from kpipe.evaluation.mistakes import answer

        chosen = spread(evidence, self.count)
        images = showable(inputs_at(evidence, chosen))
        grid = Grid(len(chosen), columns=10, shape=images.shape[1:3], lines=1)
        for number, (position, image) in enumerate(zip(chosen, images, strict=True)):
            grid.place(number, image, [(shorten(answer(evidence, position)[0], 8), INK)])
        return grid.figure


def spread(evidence: Evidence, count: int) -> np.ndarray:
    """Positions of ``count`` examples: the first of every class, then the second of every class, and so on."""
    import numpy as np

    if evidence.task != "classes":
        return np.arange(min(count, len(evidence)))
    order = np.argsort(evidence.targets, kind="stable")
    ordered = evidence.targets[order]
    turn = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return order[np.lexsort((ordered, turn))][:count]
