"""Sub-words: frequent words are tokens, rare ones are put together from parts."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from kpipe.errors import DataError, MissingExtra
from kpipe.tokenization.special import SPECIAL
from kpipe.tokenization.tokenizer import Learned, Tokenizer

if TYPE_CHECKING:
    from kpipe.tokenization.vocabulary import Vocabulary

BYTES = 256
"""Every byte is a token, so that every text can be written and none holds an unknown token."""

RANKED = 1e-4 * (BYTES + 1)
"""The unigram scores of bytes that train does not have lie within this of the lowest."""


class Subwords(Tokenizer):
    """Words in parts that train taught, down to the bytes of UTF-8: no text has an unknown token, and none is lost.

    bpe: from bytes on, the commonest pair of neighbours becomes a token, again and again, until there are
    `vocabulary_size`. unigram: from many parts on, those are dropped whose loss makes train the least improbable; a
    text is cut in the most probable way. A blank belongs to the word after it; parts never reach over two words.

    Shapes: text -> (parts,)

    Raises: MissingExtra: the package tokenizers is not installed.

    Example:
        tokenizer: {type: subwords, algorithm: bpe, vocabulary_size: 8000}

    Reference:
        R. Sennrich, B. Haddow, A. Birch, 2016, Neural machine translation of rare words with subword units.
        T. Kudo, 2018, Subword regularization.
    """

    type: Literal["subwords"] = "subwords"
    algorithm: Literal["bpe", "unigram"] = Field("bpe", description="bpe puts parts together, unigram drops parts")
    vocabulary_size: int = Field(
        8000, ge=BYTES + len(SPECIAL), le=1_000_000, description="tokens at most, the 4 special ones counted"
    )
    lowercase: bool = Field(False, description="fold capitals to small letters")

    def split(self, text: str) -> list[str]:
        """The words and blanks of which each is cut into parts; put together they are the text."""
        folded = self._folded(text)
        places = library().pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(folded)
        return [folded[begin:end] for _, (begin, end) in places]

    def join(self, tokens: Sequence[str]) -> str:
        text: str = library().decoders.ByteLevel().decode(list(tokens))
        return text

    def learn(self, texts: Iterable[str]) -> Learned:
        found = library()
        parts = found.models.BPE() if self.algorithm == "bpe" else found.models.Unigram()
        tokenizer = found.Tokenizer(parts)
        tokenizer.pre_tokenizer = found.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = found.decoders.ByteLevel()
        trainer = found.trainers.BpeTrainer if self.algorithm == "bpe" else found.trainers.UnigramTrainer
        tokenizer.train_from_iterator(
            map(self._folded, texts),
            trainer(
                vocab_size=self.vocabulary_size - len(SPECIAL),
                initial_alphabet=found.pre_tokenizers.ByteLevel.alphabet(),
                special_tokens=[],
                show_progress=False,
            ),
        )
        state = tokenizer.to_str() if self.algorithm == "bpe" else settled(tokenizer.to_str())
        numbers = made(state).get_vocab()
        return Learned(sorted(numbers, key=numbers.__getitem__), state)

    def encode(self, text: str, vocabulary: Vocabulary) -> list[int]:
        parts = made(vocabulary.state).encode(self._folded(text), add_special_tokens=False)
        numbers = [number + len(SPECIAL) for number in parts.ids]
        if any(number >= vocabulary.size for number in numbers):
            raise DataError(
                f"the tokenizer knows parts that its vocabulary of {vocabulary.size} has not", "train again"
            )
        return numbers

    def _folded(self, text: str) -> str:
        return text.lower() if self.lowercase else text


def settled(state: str) -> str:
    """A unigram tokenizer without what chance left in it, so that the same texts always teach the same.

    The library ranks the bytes that train does not have in the order of a hash, a hair apart; here they are equal. Its
    sums differ in their last digits from run to run; here they are rounded.
    """
    held = json.loads(state)
    scores: dict[str, float] = dict(held["model"]["vocab"])
    floor = min(scores.values())
    for part, score in scores.items():
        unseen = len(part) == 1 and score < floor + RANKED
        scores[part] = round(floor if unseen else score, 6)
    held["model"]["vocab"] = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return json.dumps(held, ensure_ascii=False)


def library() -> Any:
    """The package tokenizers. Raises: MissingExtra."""
    try:
        import tokenizers
    except ImportError as error:
        raise MissingExtra("sub-words need the package tokenizers", "pip install 'kpipe[text]'") from error
    return tokenizers


@functools.lru_cache(maxsize=8)
def made(state: str) -> Any:
    """The library's tokenizer, made once from what it learned. Raises: DataError: it learned none of this."""
    try:
        return library().Tokenizer.from_str(state)
    except Exception as error:  # the library raises no other
        raise DataError(f"the vocabulary's state is no tokenizer: {error}", "train again") from error
