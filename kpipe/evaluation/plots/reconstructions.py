"""Reconstructions: images and what the autoencoder makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Reconstructions(Plot):
    """Some images of the split, evenly picked, each above its reconstruction.

    Shapes: (count, height, width, channels) -> a picture

    Raises: Nothing.

    Example:
        evaluate: {plots: [{type: reconstructions, count: 20}]}

    Reference: G. Hinton and R. Salakhutdinov, 2006, Reducing the dimensionality of data with neural networks, figure 2.
    """

    type: Literal["reconstructions"] = "reconstructions"
    tasks: ClassVar[frozenset[Task]] = frozenset({"reconstruction"})
    kinds: ClassVar[frozenset[Kind]] = frozenset({"image"})
    title: ClassVar[str] = "Images, and below each its reconstruction"

    count: int = Field(20, ge=1, le=200, description="images shown, 1 to 200")

    def draw(self, evidence: Evidence) -> Figure | None:
        from kpipe.evaluation.images import evenly, inputs_at, under_each_other

        chosen = evenly(evidence, self.count)
        return under_each_other(inputs_at(evidence, chosen), evidence.outputs[chosen])
