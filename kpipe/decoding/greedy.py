"""Greedy: the most probable token at each step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from kpipe.decoding.decoding import Decoding
from kpipe.signature import Signature

if TYPE_CHECKING:
    import keras
    import numpy as np


class Greedy(Decoding):
    """Takes the most probable token at each step, up to the end token.

    Shapes: inputs by name -> (tokens,) for each example

    Raises: WrongInput: the model does not produce text.

    Example:
        decode: {type: greedy, max_length: 20}

    Reference: I. Sutskever, O. Vinyals, Q. Le, 2014, Sequence to sequence learning with neural networks.
    """

    type: Literal["greedy"] = "greedy"

    def decode(
        self,
        model: keras.Model,
        batches: Iterable[Mapping[str, np.ndarray]],
        signature: Signature,
        seed: int = 0,
    ) -> list[np.ndarray]:
        raise NotImplementedError
