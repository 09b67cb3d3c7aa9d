"""Running text: files put together, split by position, cut into windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kpipe.data.preparation.ragged import Ragged
from kpipe.data.preparation.text_files import read_text
from kpipe.data.split_rule import Fractions, SplitName
from kpipe.data.splits import Columns
from kpipe.errors import DataError
from kpipe.tokenization.special import IGNORED, PADDING
from kpipe.tokenization.vocabulary import Vocabulary


def files_of(paths: Sequence[str]) -> list[Path]:
    """The files, those of a folder in alphabetical order. Raises: DataError: a folder without .txt files."""
    files: list[Path] = []
    for path in map(Path, paths):
        found = sorted(file for file in path.iterdir() if file.suffix == ".txt") if path.is_dir() else [path]
        if not found:
            raise DataError(f"{path}: holds no .txt file", "give the files as a list, as `path: [a.md, b.md]`")
        files += found
    return files


def read(files: Sequence[Path]) -> str:
    """All texts, one after the other, each ended by a line feed. Raises: DataError."""
    texts = [read_text(file) for file in files]
    return "".join(text if text.endswith("\n") or len(texts) == 1 else f"{text}\n" for text in texts)


def divide(text: str, rule: Fractions) -> Mapping[SplitName, str]:
    """The text's first part, what follows, and its end; cut by characters."""
    test = len(text) - round(len(text) * rule.test)
    validation = test - round(len(text) * rule.validation)
    return {"train": text[:validation], "validation": text[validation:test], "test": text[test:]}


def lines(text: str) -> list[str]:
    """Lines with their ends, so that a library need not take a whole book for one text."""
    return text.splitlines(keepends=True)


def windows(text: str, vocabulary: Vocabulary, context: int, stride: int, name: str) -> Columns:
    """Windows of tokens, and of those that follow them. Raises: DataError: there are fewer than two tokens."""
    numbers = vocabulary.encode(text)
    if len(numbers) < 2:
        raise DataError(f"{name} is left with {len(numbers)} tokens", f"give more text, or make `split.{name}` greater")
    last = len(numbers) - 1  # tokens that are followed by one
    count = -(-max(last - context, 0) // stride) + 1
    begins = np.arange(count) * stride
    lengths = np.minimum(context, last - begins)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    places = np.repeat(begins - offsets[:-1], lengths) + np.arange(offsets[-1])
    return {
        "tokens": Ragged(numbers[places], offsets, PADDING),
        "target": Ragged(numbers[places + 1], offsets, IGNORED),
    }
