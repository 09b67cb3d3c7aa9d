"""Texts as columns of token numbers: what goes in, what shall come out, and what stands before each token of that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kpipe.data.preparation.ragged import Ragged
from kpipe.data.splits import Columns
from kpipe.errors import DataError
from kpipe.signature import Feature
from kpipe.tokenization.special import END, IGNORED, PADDING, START
from kpipe.tokenization.vocabulary import Vocabulary


def feature_of(name: str, vocabulary: Vocabulary) -> Feature:
    """The feature of sequences of any length of a vocabulary's tokens."""
    return Feature(name=name, kind="tokens", shape=(None,), dtype="int32", vocabulary=vocabulary)


def encode(texts: Sequence[str], vocabulary: Vocabulary) -> list[np.ndarray]:
    """The token numbers of each text."""
    return [vocabulary.encode(text) for text in texts]


def given(encoded: Sequence[np.ndarray], max_length: int | None = None) -> Ragged:
    """What goes in, longer ones cut at their end."""
    return Ragged.of([numbers[:max_length] for numbers in encoded], PADDING)


def written(encoded: Sequence[np.ndarray]) -> Columns:
    """What shall come out, with its end; and what stands before each of its tokens, from the start on."""
    return {
        "previous": Ragged.of([np.insert(numbers, 0, START) for numbers in encoded], PADDING),
        "target": Ragged.of([np.append(numbers, END) for numbers in encoded], IGNORED),
    }


def following(tokens: Ragged) -> Ragged:
    """For each token of a text the one that follows it; for the last one there is none."""
    after = np.append(tokens.values[1:], IGNORED).astype(np.int32)
    after[tokens.offsets[1:] - 1] = IGNORED
    return Ragged(after, tokens.offsets, IGNORED)


def check_not_empty(encoded: Sequence[np.ndarray], where: str, rows: Sequence[object] | None = None) -> None:
    """Raises: DataError: naming the first text without a token."""
    empty = [index for index, numbers in enumerate(encoded) if not len(numbers)]
    if empty:
        row = empty[0] if rows is None else rows[empty[0]]
        raise DataError(
            f"{where}: {len(empty)} of {len(encoded)} texts hold no token, the first at row {row}",
            "leave them out",
        )
