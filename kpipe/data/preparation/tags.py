"""Tags preparation: sentences as the numbers of their words, each word to be tagged."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from kpipe.data.preparation import encoded, text_files
from kpipe.data.preparation.preparation import Examples, Preparation
from kpipe.data.preparation.ragged import Ragged
from kpipe.data.preparation.sentences import Sentence, folded, read_sentences
from kpipe.data.preparation.text import texts_of
from kpipe.errors import DataError, KpipeWarning
from kpipe.signature import Signature
from kpipe.spec.mistake import nearest
from kpipe.tokenization.special import IGNORED
from kpipe.tokenization.vocabulary import Vocabulary
from kpipe.tokenization.words import Words

if TYPE_CHECKING:
    import pandas as pd

    from kpipe.data.splits import Columns

CONLL = (".conllu", ".conll", ".conllu.gz", ".conll.gz")


class Tags(Preparation):
    """Sentences: of words in CoNLL files and lists of words, or plain texts, whose marks are cut off the words.

    A .conllu or .conll file has the columns of the one trained on; its tags, where it has them, are targets. In any
    other file each line is a sentence. Sentences longer than any that the model was trained on are cut with a warning.

    Shapes:
        sentences -> {tokens: (time,)} int32, each of its own length

    Raises:
        DataError: a file is no UTF-8 text, a line has too few columns, a tag that train does not have.

    Example:
        type: tags
        vocabulary: {tokenizer: words, tokens: [<padding>, <unknown>, <start>, <end>, the, dog, barks]}
        token_column: 2
        tag_column: 4
        target: {task: tags, names: [DET, NOUN, VERB]}
    """

    type: Literal["tags"] = "tags"
    example: ClassVar[dict[str, Any]] = {
        "vocabulary": {"tokenizer": {"type": "words"}, "tokens": ["<padding>", "<unknown>", "<start>", "<end>", "a"]},
        "target": {"task": "tags", "names": ["a", "b"]},
    }

    vocabulary: Vocabulary = Field(description="the words that train has; its tokenizer cuts plain text")
    token_column: int = Field(2, ge=1, description="which column of a CoNLL file holds the words, counted from 1")
    tag_column: int = Field(4, ge=1, description="which column holds the tags, counted from 1")
    max_length: int | None = Field(None, ge=1, description="words of the longest sentence trained on")

    def fitted(self, signature: Signature) -> Self:
        return self.model_copy(update={"target": signature.target, "max_length": signature.input.max_length})

    def read_one(self, path: Path) -> Examples:
        if not path.name.lower().endswith(CONLL):
            lines = [(number, line) for number, line in enumerate(text_files.read_lines(path)) if line.strip()]
            if not lines:
                raise DataError(f"{path}: holds no text")
            return Examples(tuple(f"{path}:{number}" for number, _ in lines), self.prepare([line for _, line in lines]))
        sentences = read_sentences(path, self.token_column, self.tag_column, tags_needed=False)
        names = tuple(f"{path}:{sentence.line}" for sentence in sentences)
        self._warn_of_long([len(sentence.words) for sentence in sentences], str(path))
        if any(len(sentence.tags) != len(sentence.words) for sentence in sentences):
            return Examples(names, self._inputs([sentence.words for sentence in sentences]))
        columns = self.columns(sentences, str(path))
        targets = columns[self.target.name]
        return Examples(names, {"tokens": columns["tokens"]}, targets)

    def prepare(self, raw: np.ndarray | pd.DataFrame | Sequence[Any]) -> Columns:
        sentences = words_of(raw, self.vocabulary)
        empty = next((index for index, words in enumerate(sentences) if not words), None)
        if empty is not None:
            raise DataError(f"input {empty}: holds no word")
        self._warn_of_long([len(words) for words in sentences], "input")
        return self._inputs(sentences)

    def columns(self, sentences: Sequence[Sentence], where: str) -> Columns:
        """Words and tags of sentences that have both. Raises: DataError: a tag that train does not have."""
        place = {name: index for index, name in enumerate(self.target.names)}
        for sentence in sentences:
            unknown = next((tag for tag in sentence.tags if tag not in place), None)
            if unknown is not None:
                near = nearest(unknown, place)
                raise DataError(
                    f"{where}: the sentence at line {sentence.line} has the tag `{unknown}`, which train does not have",
                    f"did you mean `{near}`?" if near else f"train has: {', '.join(self.target.names[:30])}",
                )
        tags = [[place[tag] for tag in sentence.tags[: self.max_length]] for sentence in sentences]
        return {
            **self._inputs([sentence.words for sentence in sentences]),
            self.target.name: Ragged.of(tags, IGNORED),
        }

    def _inputs(self, sentences: Sequence[Sequence[str]]) -> Columns:
        tokenizer = self.vocabulary.tokenizer
        assert isinstance(tokenizer, Words)
        numbers = [np.array(self.vocabulary.numbers(folded(words, tokenizer)), np.int32) for words in sentences]
        return {"tokens": encoded.given(numbers, self.max_length)}

    def _warn_of_long(self, lengths: Sequence[int], where: str) -> None:
        longest = max(lengths)
        if self.max_length is not None and longest > self.max_length:
            message = f"{where}: sentences are cut to {self.max_length} words, the most that the model was trained on"
            warnings.warn(f"{message}; the longest has {longest}", KpipeWarning, stacklevel=3)


def words_of(raw: np.ndarray | pd.DataFrame | Sequence[Any], vocabulary: Vocabulary) -> list[list[str]]:
    """Lists of words as they are; texts cut into words. Raises: DataError."""
    if isinstance(raw, (list, tuple)) and raw and all(isinstance(each, (list, tuple)) for each in raw):
        for index, words in enumerate(raw):
            wrong = next((word for word in words if not isinstance(word, str)), None)
            if wrong is not None:
                raise DataError(f"input {index}: holds {wrong!r:.40}, expected words")
        return [list(words) for words in raw]
    return [vocabulary.tokenizer.split(text) for text in texts_of(raw, "text")]
