"""Beam: several texts side by side, the best of which is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from kpipe.decoding.decoding import Decoding

if TYPE_CHECKING:
    from kpipe.decoding.loop.search import Search


class Beam(Decoding):
    """Follows the `width` most probable beginnings at once, and takes the best whole text.

    A text that reaches its end leaves the beam, which has one place less from then on; the search is over when none is
    left, or at `max_length`. Best is the highest log p(text) / ((5 + length) / 6) ** length_penalty, where the length
    counts the end; a text without its end is taken only if none has one. A width of 1 is greedy decoding. The cost
    grows with the width.

    Shapes: inputs by name -> (tokens,) for each example

    Raises: WrongInput: the model does not produce text.

    Example:
        decode: {type: beam, width: 4, length_penalty: 0.6}

    Reference: Y. Wu et al., 2016, Google's neural machine translation system, equation 14 (without its coverage).
        I. Sutskever, O. Vinyals, Q. Le, 2014, Sequence to sequence learning with neural networks.
    """

    type: Literal["beam"] = "beam"
    width: int = Field(4, ge=1, le=64, description="texts followed at once")
    length_penalty: float = Field(
        0.6, ge=0.0, le=5.0, description="0: plain log-probability, which favours short texts; above: longer ones"
    )

    def search(self) -> Search:
        from kpipe.decoding.loop.best_of_beam import BestOfBeam

        return BestOfBeam(self.width, self.length_penalty)
