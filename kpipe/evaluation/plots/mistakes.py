"""Mistakes: the worst mistakes with their images."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Plot
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Mistakes(Plot):
    """The worst mistakes with their images: what each is, what it was read as, and how sure the model was.

    Worst is the highest loss: -log p(what it is). None is drawn when there are no mistakes.

    Shapes: (count, height, width, channels) -> a picture

    Raises: Nothing.

    Example:
        evaluate: {plots: [{type: mistakes, count: 6}]}

    Reference: C. G. Northcutt, A. Athalye, J. Mueller, 2021, Pervasive label errors in test sets.
    """

    type: Literal["mistakes"] = "mistakes"
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels"})
    kinds: ClassVar[frozenset[Kind]] = frozenset({"image"})
    title: ClassVar[str] = "The worst mistakes"

    count: int = Field(10, ge=1, le=200, description="images shown at most, 1 to 200")

    def draw(self, evidence: Evidence) -> Figure | None:
        from kpipe.evaluation.images import Grid, inputs_at, showable
        from kpipe.evaluation.mistakes import wrong

        worst = wrong(evidence)[: self.count]
        if not len(worst):
            return None
        images = showable(inputs_at(evidence, worst))
        captions = [caption(evidence, position) for position in worst]
        lines = max(len(lines) for lines in captions)
        grid = Grid(len(worst), columns=5, shape=images.shape[1:3], lines=lines)
        for number, (image, words) in enumerate(zip(images, captions, strict=True)):
            grid.place(number, image, words)
        return grid.figure


def caption(evidence: Evidence, position: int) -> list[tuple[str, str]]:
    """``8 read as 1`` and ``97 % sure``; long names take a line each."""
    from kpipe.evaluation.drawing import INK, ORANGE, SOFT, shorten
    from kpipe.evaluation.mistakes import answer, differences

    true, read_as, sure = answer(evidence, position)
    if evidence.task == "labels":
        missed, added = differences(evidence, position)
        return [(shorten(f"missed {missed}", 15), INK), (shorten(f"added {added}", 15), ORANGE), (f"{sure} sure", SOFT)]
    words = f"{true} read as {read_as}"
    if len(words) <= 14:
        return [(shorten(words), INK), (f"{sure} sure", SOFT)]
    return [(shorten(true, 15), INK), (shorten(f"read as {read_as}", 15), ORANGE), (f"{sure} sure", SOFT)]
