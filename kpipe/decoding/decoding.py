"""Decoding: what every way of getting text out of a model has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from kpipe.signature import Signature
from kpipe.spec.spec import Component

if TYPE_CHECKING:
    import keras
    import numpy as np


class Examples(Protocol):
    """What decoding asks of a split."""

    def __len__(self) -> int: ...

    @property
    def groups(self) -> tuple[np.ndarray, ...]: ...

    def take(self, indices: np.ndarray) -> Mapping[str, np.ndarray]: ...


class Decoding(Component):
    """A way of choosing tokens."""

    max_length: int | None = Field(
        None, ge=1, le=65_536, description="tokens produced at most; by default as many as the longest target has"
    )

    @abstractmethod
    def decode(
        self,
        model: keras.Model,
        batches: Iterable[Mapping[str, np.ndarray]],
        signature: Signature,
        seed: int = 0,
    ) -> list[np.ndarray]:
        """The tokens produced for each example, up to its end, in the order given.

        A batch holds the inputs by name. Of `text` the source; of `next_token` the tokens (batch, time) to go on
        from, padded at the end. Everything is drawn from ``seed``: the same call gives the same tokens.
        """

    def texts(
        self, model: keras.Model, split: Examples, signature: Signature, batch_size: int, seed: int = 0
    ) -> Sequence[str]:
        """The text produced for each example of a split."""
        import numpy as np

        vocabulary = signature.target.vocabulary
        assert vocabulary is not None
        indices = [
            group[start : start + batch_size] for group in split.groups for start in range(0, len(group), batch_size)
        ]
        tokens = self.decode(model, (split.take(batch) for batch in indices), signature, seed)
        back = np.argsort(np.concatenate(indices), kind="stable")
        return [vocabulary.decode(tokens[place]) for place in back]
