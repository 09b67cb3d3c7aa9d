"""Decoding: what every way of getting text out of a model has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from kpipe.errors import WrongInput
from kpipe.examples import Examples
from kpipe.parts import parts_of
from kpipe.signature import Signature
from kpipe.spec.spec import Component

if TYPE_CHECKING:
    import keras
    import numpy as np

    from kpipe.decoding.loop.search import Search


class Decoding(Component):
    """A way of choosing tokens."""

    draws: ClassVar[bool] = False
    """whether chance has a part in it"""

    max_length: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="tokens produced at most; by default as many as the longest target has (next_token: what is left)",
    )

    @abstractmethod
    def search(self) -> Search:
        """The way of choosing, as the loop takes it; equal for equal fields."""

    def decode(
        self,
        model: keras.Model,
        batches: Iterable[Mapping[str, np.ndarray]],
        signature: Signature,
        seed: int = 0,
        numbers: Iterable[np.ndarray] | None = None,
    ) -> list[np.ndarray]:
        """The tokens produced for each example, without its end token, in the order given.

        A batch holds the inputs by name. Of `text` the source; of `next_token` the tokens (batch, time) to go on
        from, padded at the end. What is drawn depends on ``seed`` and the example's number alone, however the examples
        are put into batches; ``numbers`` (batch,) gives those of each batch, by default they are counted.

        Padding, unknown and start are never produced.

        Raises: WrongInput: the model does not produce text.
        """
        import numpy as np

        from kpipe.decoding.loop.batches import Preparing, cut
        from kpipe.decoding.loop.compiling import compiled

        stepper = parts_of(model).stepper
        if stepper is None:
            task = signature.target.task
            raise WrongInput(f"the model `{model.name}` learns {task} and produces no text, so there is none to decode")
        search, preparing = self.search(), Preparing(signature, self.max_length, seed if self.draws else None)
        found: list[np.ndarray] = []
        given = None if numbers is None else iter(numbers)
        for batch in batches:
            count = len(next(iter(batch.values())))
            counted = np.arange(len(found), len(found) + count) if given is None else next(given)
            ready, there, steps = preparing.prepare(batch, counted)
            tokens = compiled(model, stepper, search, steps)(ready)
            found += cut(tokens, ready.sizes, ready.totals)[:there]
        return found

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
        tokens = self.decode(model, (split.take(batch) for batch in indices), signature, seed, indices)
        back = np.argsort(np.concatenate(indices), kind="stable")
        return [vocabulary.decode(tokens[place]) for place in back]
