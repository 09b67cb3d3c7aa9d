"""Vocabulary: a tokenizer with what it learned on train, stored with the model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from kpipe.spec.one_of import OneOf
from kpipe.spec.spec import Spec, Tuple
from kpipe.tokenization.special import SPECIAL, UNKNOWN, UNREADABLE
from kpipe.tokenization.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np


class Vocabulary(Spec):
    """A tokenizer with the tokens it learned; a token's number is its place, the first four are the special ones."""

    tokenizer: Annotated[Tokenizer, OneOf("kpipe.tokenization")]
    tokens: Tuple[str] = Field(min_length=len(SPECIAL), description="by number")
    state: str = Field("", description="what a library's own tokenizer is made again from")

    @classmethod
    def learn(cls, tokenizer: Tokenizer, texts: Iterable[str]) -> Vocabulary:
        """The vocabulary of the train split's texts."""
        learned = tokenizer.learn(texts)
        return cls(tokenizer=tokenizer, tokens=(*SPECIAL, *learned.tokens), state=learned.state)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return len(self.tokens)

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Token -> number."""
        return {token: number for number, token in enumerate(self.tokens)}

    def numbers(self, tokens: Iterable[str]) -> list[int]:
        """Numbers of tokens; of one that is not known, or is written like a special one, that of the unknown."""
        known, first = self.number_of, len(SPECIAL)
        found = (known.get(token, UNKNOWN) for token in tokens)
        return [number if number >= first else UNKNOWN for number in found]

    def words(self, numbers: Sequence[int]) -> list[str]:
        """Tokens of numbers, without padding, start and end."""
        first = len(SPECIAL)
        return [self.tokens[number] for number in numbers if number >= first or number == UNKNOWN]

    def encode(self, text: str) -> np.ndarray:
        """The text's numbers (tokens,) int32, without start and end."""
        import numpy as np

        return np.array(self.tokenizer.encode(text, self), np.int32)

    def reference(self, numbers: Sequence[int] | np.ndarray) -> str:
        """The text that was to be written: unknown tokens are a mark that is never written, so they never match."""
        return self._marked.decode(numbers)

    @cached_property
    def _marked(self) -> Vocabulary:
        tokens = tuple(UNREADABLE if number == UNKNOWN else token for number, token in enumerate(self.tokens))
        return self.model_copy(update={"tokens": tokens})

    def decode(self, numbers: Sequence[int] | np.ndarray) -> str:
        """The text of numbers; special ones but the unknown are left out."""
        return self.tokenizer.decode([int(number) for number in numbers], self)
