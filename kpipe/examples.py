"""Examples: what training, decoding and evaluation ask of a split of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np


class Examples(Protocol):
    """A set of examples that gives any of them at once."""

    def __len__(self) -> int: ...

    @property
    def groups(self) -> tuple[np.ndarray, ...]:
        """The indices of the examples, those together whose batches have the same shape."""
        ...

    def take(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        """The examples at ``indices`` (any order, repeats allowed), gathered in one go.

        An array for each input of the signature, and one for the target. Where sequences are padded, -1 is an example
        that is not there: all padding, its target -1 or NaN.
        """
        ...
