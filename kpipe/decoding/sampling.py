"""Sampling: each token drawn by its probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.decoding.decoding import Decoding

if TYPE_CHECKING:
    from kpipe.decoding.loop.search import Search


class Sampling(Decoding):
    """Draws each token from softmax(logits / temperature), over the most probable alone where asked.

    `top_k` keeps that many, `top_p` (the nucleus) the fewest that together have that probability; with both, the
    nucleus of the k. The numbers drawn depend on the seed, the example's place and the step alone and come from NumPy:
    the same seed gives the same text, also on another backend, unless a draw falls within the backends' rounding
    (some 1e-6) of the border between two tokens.

    Shapes: inputs by name -> (tokens,) for each example

    Raises: WrongInput: the model does not produce text.

    Example:
        decode: {type: sampling, temperature: 0.8, top_p: 0.95}

    Reference: A. Holtzman et al., 2020, The curious case of neural text degeneration. A. Fan, M. Lewis, Y. Dauphin,
        2018, Hierarchical neural story generation.
    """

    type: Literal["sampling"] = "sampling"
    draws: ClassVar[bool] = True
    temperature: float = Field(
        1.0, gt=0.0, le=100.0, description="below 1 the probable becomes more probable, above 1 less"
    )
    top_k: int | None = Field(None, ge=1, description="tokens drawn from, the most probable; by default all")
    top_p: float | None = Field(
        None, gt=0.0, le=1.0, description="share of probability drawn from, in (0, 1]; by default all"
    )

    def search(self) -> Search:
        from kpipe.decoding.loop.drawn import Drawn

        return Drawn(self.temperature, self.top_k, self.top_p)
