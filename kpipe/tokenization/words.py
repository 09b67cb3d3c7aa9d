"""Words: each word and each mark is a token."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from kpipe.tokenization.tokenizer import Learned, Tokenizer, frequent


@functools.cache
def piece() -> re.Pattern[str]:
    """A word, in any script, with what is inside it (don't, well-known), or one mark.

    What combines with the sign before it, as the vowels of Hindi and Hebrew do, stays with it; ``\\w`` has it not.
    """
    word = rf"\w[\w{combining()}]*"
    return re.compile(rf"{word}(?:[’'-]{word})*|[^\w\s][{combining()}]*")


@functools.cache
def combining() -> str:
    """Every sign that combines with the one before it."""
    return "".join(sign for sign in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(sign)[0] == "M")


@functools.cache
def endless() -> re.Pattern[str]:
    """More such signs, one after the other, than any script has."""
    return re.compile(rf"[{combining()}]{{30}}(?=[{combining()}])")


def composed(text: str) -> str:
    """é is one sign even where it is written as e and an accent.

    Python sorts the signs on one letter in quadratic time, so a million would take hours: the joiner between every 30
    is Unicode's own remedy (UAX 15, Stream-Safe Text Format).
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", endless().sub("\\g<0>\N{COMBINING GRAPHEME JOINER}", text))


BEFORE = frozenset(".,;:!?)]}%’”»…")
"""Marks that stand close to the word before them."""

AFTER = frozenset("([{“«„¿¡")
"""Marks that stand close to the word after them."""


class Words(Tokenizer):
    """Each word of any script is a token, each mark too; with `split_on: blanks` the text is cut at blanks alone.

    Shapes: text -> (words,)

    Raises: Nothing: words that train does not have, or too seldom, become the unknown token.

    Example:
        tokenizer: {type: words, lowercase: true, min_count: 2}

    Reference: Y. Bengio et al., 2003, A neural probabilistic language model.
    """

    type: Literal["words"] = "words"
    lowercase: bool = Field(True, description="fold capitals to small letters")
    min_count: int = Field(1, ge=1, description="words that train has less often than this are unknown")
    max_size: int | None = Field(None, ge=1, le=1_000_000, description="words kept at most, the commonest")
    split_on: Literal["words", "blanks"] = Field("words", description="words: marks apart; blanks: as written")

    def split(self, text: str) -> list[str]:
        folded = self.folded(text)
        return piece().findall(folded) if self.split_on == "words" else folded.split()

    def folded(self, text: str) -> str:
        """As the vocabulary holds it."""
        return composed(text).lower() if self.lowercase else composed(text)

    def join(self, tokens: Sequence[str]) -> str:
        if self.split_on == "blanks":
            return " ".join(tokens)
        text = ""
        for token in tokens:
            close = not text or token in BEFORE or text[-1] in AFTER
            text += token if close else f" {token}"
        return text

    def learn(self, texts: Iterable[str]) -> Learned:
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(self.split(text))
        return Learned(frequent(counts, self.min_count, self.max_size))
