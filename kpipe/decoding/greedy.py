"""Greedy: the most probable token at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kpipe.decoding.decoding import Decoding

if TYPE_CHECKING:
    from kpipe.decoding.loop.search import Search


class Greedy(Decoding):
    """Takes the most probable token at each step, up to the end token.

    Shapes: inputs by name -> (tokens,) for each example

    Raises: WrongInput: the model does not produce text.

    Example:
        decode: {type: greedy, max_length: 20}

    Reference: I. Sutskever, O. Vinyals, Q. Le, 2014, Sequence to sequence learning with neural networks.
    """

    type: Literal["greedy"] = "greedy"

    def search(self) -> Search:
        from kpipe.decoding.loop.search import MostProbable

        return MostProbable()
