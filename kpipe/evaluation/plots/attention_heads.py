"""AttentionHeads: what each head of a Transformer looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READABLE = 16
"""Steps of the example that is drawn, where one is so short; of a longer one the first 32 are shown."""


class AttentionHeads(Plot):
    """What each head of a Transformer looks at, in one example: a row for each layer, a column for each head.

    Text: a row is a step that looks, a column a step that is looked at, darker where the weight is higher; a decoder's
    layer has two pictures, of its own text and of the source. Images: how much the patches are looked at, all steps
    that look taken together (with a class token: what this one looks at), from dark to yellow, over the image. None is
    drawn for networks without several heads.

    Shapes: (heads, queries, keys) of each layer -> a picture

    Raises: Nothing.

    Example:
        evaluate: {plots: [{type: attention_heads, layers: all}]}

    Reference: J. Vig, 2019, A multiscale visualization of attention in the Transformer model.
    """

    type: Literal["attention_heads"] = "attention_heads"
    tasks: ClassVar[frozenset[Task]] = frozenset(
        {"classes", "labels", "values", "tags", "forecast", "text", "next_token"}
    )
    kinds: ClassVar[frozenset[Kind]] = frozenset({"tokens", "image", "sequence"})
    title: ClassVar[str] = "What each head looks at"

    layers: Literal["last", "all"] = Field("last", description="the last layer of encoder and decoder, or all of them")
    number: int | None = Field(
        None, ge=0, description="the example of the split, counted from 0; by default one short enough to read"
    )

    def draw(self, evidence: Evidence) -> Figure | None:
        import numpy as np

        from kpipe.evaluation.heads import attention_of, draw_maps, draw_patches, last_of_each

        position = self.position(evidence)
        maps = attention_of(evidence, position)
        if self.layers == "last":
            maps = last_of_each(maps)
        if not maps:
            return None
        batch = evidence.split.take(np.array([position]))
        if evidence.signature.input.kind == "image":
            return draw_patches(maps, batch[evidence.signature.input.name], evidence.model)
        return draw_maps(maps, batch, evidence.signature)

    def position(self, evidence: Evidence) -> int:
        """The example that is drawn: the one asked for, or the longest of the first that can be read."""
        if self.number is not None:
            return min(self.number, len(evidence) - 1)
        feature = evidence.signature.input
        if feature.kind != "tokens":
            return 0
        import numpy as np

        sizes = [
            int((evidence.split.take(np.array([place]))[feature.name] != 0).sum())
            for place in range(min(len(evidence), 64))
        ]
        short = [size if size <= READABLE else -size for size in sizes]
        return int(np.argmax(short))
