"""Sentences of CoNLL files: the words, and their tags where the file has them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from kpipe.data.preparation.text_files import read_lines
from kpipe.errors import DataError
from kpipe.tokenization.special import SPECIAL
from kpipe.tokenization.tokenizer import frequent
from kpipe.tokenization.vocabulary import Vocabulary
from kpipe.tokenization.words import Words

RANGE = re.compile(r"\d+[-.]\d+")
"""The number of a CoNLL-U line that is no word of its own: 1-2 is a range, 1.1 an empty node."""


class Sentence(NamedTuple):
    """Words as the file cuts them, their tags (none where the file has no such column), and where it begins."""

    words: list[str]
    tags: list[str]
    line: int


def read_sentences(path: Path, token_column: int, tag_column: int, tags_needed: bool = True) -> list[Sentence]:
    """All sentences of a file. Raises: DataError: a line has too few columns, or there is no sentence."""
    sentences: list[Sentence] = []
    sentence = Sentence([], [], 1)
    wanted = max(token_column, tag_column)
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            sentences.append(sentence)
            sentence = Sentence([], [], number + 1)
            continue
        cells = cells_of(line, token_column, wanted)
        if not cells:
            continue
        if len(cells) < (wanted if tags_needed else token_column):
            raise DataError(
                f"{path}: line {number} has {len(cells)} columns, expected at least {wanted}: {line[:60]!r}",
                "set `token_column` and `tag_column`, counted from 1",
            )
        sentence.words.append(cells[token_column - 1])
        if len(cells) >= tag_column:
            sentence.tags.append(cells[tag_column - 1])
    found = [each for each in [*sentences, sentence] if each.words]
    if not found:
        raise DataError(f"{path}: holds no sentence")
    return found


def cells_of(line: str, token_column: int, needed: int) -> list[str]:
    """The columns of a line; none of a comment, a range, an empty node, or the begin of a document.

    Where words stand in the first column, one of them may be # or look like a range.
    """
    cells = line.split("\t") if "\t" in line else line.split()
    if line.startswith("#") and (token_column > 1 or len(cells) < needed or " = " in line):
        return []
    if cells[0] == "-DOCSTART-" or (token_column > 1 and RANGE.fullmatch(cells[0])):
        return []
    return cells


def read_tags(sentences: Iterable[Sentence], where: str) -> tuple[str, ...]:
    """The tags of train in alphabetical order. Raises: DataError: there is only one."""
    names = tuple(sorted({tag for sentence in sentences for tag in sentence.tags}))
    if len(names) < 2:
        raise DataError(f"{where}: only one tag, `{names[0]}`", "`tag_column` is counted from 1")
    return names


def vocabulary_of(sentences: Sequence[Sentence], tokenizer: Words) -> Vocabulary:
    """The words of train as the file cuts them."""
    counts = Counter(word for sentence in sentences for word in folded(sentence.words, tokenizer))
    tokens = frequent(counts, tokenizer.min_count, tokenizer.max_size)
    return Vocabulary(tokenizer=tokenizer, tokens=(*SPECIAL, *tokens))


def folded(words: Iterable[str], tokenizer: Words) -> list[str]:
    """Words as the vocabulary holds them."""
    return [tokenizer.folded(word) for word in words]
