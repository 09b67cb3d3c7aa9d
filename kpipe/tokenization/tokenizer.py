"""Tokenizer: how text is cut into tokens, as the YAML says it."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kpipe.spec.spec import Component
from kpipe.tokenization.special import SPECIAL

if TYPE_CHECKING:
    from kpipe.tokenization.vocabulary import Vocabulary


class Learned(NamedTuple):
    """What a tokenizer learns on train: tokens in the order of their numbers, without the special ones."""

    tokens: Sequence[str]
    state: str = ""
    """what a library's own tokenizer is made again from"""


class Tokenizer(Component):
    """A way of cutting text into tokens and of putting tokens together again."""

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """The tokens of a text, unknown ones too."""

    @abstractmethod
    def join(self, tokens: Sequence[str]) -> str:
        """The text of tokens."""

    @abstractmethod
    def learn(self, texts: Iterable[str]) -> Learned:
        """What the train split's texts teach."""

    def encode(self, text: str, vocabulary: Vocabulary) -> list[int]:
        """The numbers of a text's tokens, without start and end."""
        return vocabulary.numbers(self.split(text))

    def decode(self, numbers: Sequence[int], vocabulary: Vocabulary) -> str:
        """The text of token numbers; special ones are left out, but for the unknown."""
        return self.join(vocabulary.words(numbers))


def frequent(counts: Counter[str], min_count: int = 1, max_size: int | None = None) -> list[str]:
    """The tokens that come at least ``min_count`` times, the commonest first, equal ones in alphabetical order."""
    kept = (token for token, count in counts.items() if count >= min_count and token not in SPECIAL)
    return sorted(kept, key=lambda token: (-counts[token], token))[:max_size]
