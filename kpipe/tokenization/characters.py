"""Characters: each character is a token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from kpipe.tokenization.tokenizer import Learned, Tokenizer, frequent


class Characters(Tokenizer):
    """Each character of the text is a token, blanks too.

    Shapes: text -> (characters,)

    Raises: Nothing: characters that train does not have become the unknown token.

    Example:
        tokenizer: {type: characters, lowercase: true}

    Reference: I. Sutskever, J. Martens, G. Hinton, 2011, Generating text with recurrent neural networks.
    """

    type: Literal["characters"] = "characters"
    lowercase: bool = Field(False, description="fold capitals to small letters")

    def split(self, text: str) -> list[str]:
        return list(text.lower() if self.lowercase else text)

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)

    def learn(self, texts: Iterable[str]) -> Learned:
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text.lower() if self.lowercase else text)
        return Learned(sorted(frequent(counts)))
