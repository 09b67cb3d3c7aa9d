"""Denoised: damaged images and what the autoencoder makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Denoised(Plot):
    """Some images damaged as in training, below each what the autoencoder makes of it, and below that the image itself.

    None is drawn of a network that was trained without `corruption`. The damage is drawn with a seed of its own, the
    same each time.

    Shapes: (count, height, width, channels) -> a picture

    Raises: Nothing.

    Example:
        evaluate: {plots: [{type: denoised, count: 10}]}

    Reference: P. Vincent et al., 2010, Stacked denoising autoencoders.
    """

    type: Literal["denoised"] = "denoised"
    tasks: ClassVar[frozenset[Task]] = frozenset({"reconstruction"})
    kinds: ClassVar[frozenset[Kind]] = frozenset({"image"})
    title: ClassVar[str] = "Damaged images, denoised, and as they were"

    count: int = Field(10, ge=1, le=200, description="images shown, 1 to 200")

    def draw(self, evidence: Evidence) -> Figure | None:
        from kpipe.evaluation.denoising import denoise
        from kpipe.evaluation.images import evenly, inputs_at, under_each_other

        images = inputs_at(evidence, evenly(evidence, self.count))
        found = denoise(evidence.model, images)
        return None if found is None else under_each_other(found.damaged, found.denoised, images)
