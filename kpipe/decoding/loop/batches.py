"""Batches: from a model's inputs to what the loop takes, all of equal size; and from its tokens to texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from kpipe.backend import derive
from kpipe.decoding.loop.generate import Batch
from kpipe.signature import Signature
from kpipe.tokenization.special import END, PADDING, START


class Prepared(NamedTuple):
    """A batch as the loop takes it."""

    batch: Batch
    there: int
    """examples; the rows after them only fill up"""
    steps: int
    """tokens that are fed"""
    produced: int
    """tokens that are produced at most"""


class Preparing:
    """Batches of one call, one after the other."""

    def __init__(self, signature: Signature, max_length: int | None, seed: int | None) -> None:
        self.signature, self.max_length, self.seed = signature, max_length, seed
        self.rows = self.place = 0

    def prepare(self, batch: Mapping[str, np.ndarray]) -> Prepared:
        """Filled up by repeating the first example to the size of the greatest batch so far."""
        names = [feature.name for feature in self.signature.inputs if feature.name in batch]
        count = len(batch[names[0]])
        self.rows = max(self.rows, count)
        places = np.where(np.arange(self.rows) < count, np.arange(self.rows), 0)
        inputs = {name: np.asarray(batch[name])[places] for name in names}
        given = self.given(inputs)
        produced = self.produced(given.shape[1])
        steps = given.shape[1] - 1 + produced
        sizes = np.maximum((given != PADDING).sum(axis=1), 1).astype("int32")
        idle = np.arange(self.rows) >= count
        draws = self.draws(steps)
        self.place += count
        return Prepared(Batch(inputs, given, sizes, idle, draws), count, steps, produced)

    def given(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """What each text begins with (rows, given): the start token, or of next_token the tokens to go on from."""
        if self.signature.target.task == "text":
            return np.full((self.rows, 1), START, "int32")
        tokens = inputs[self.signature.input.name].astype("int32")
        if not tokens.shape[1]:
            return np.full((self.rows, 1), START, "int32")
        empty = tokens[:, 0] == PADDING
        return np.concatenate([np.where(empty, START, tokens[:, 0])[:, None], tokens[:, 1:]], axis=1).astype("int32")

    def produced(self, given: int) -> int:
        """As many as asked for; else as the longest target has, of next_token together with what is given."""
        if self.max_length is not None:
            return self.max_length
        longest = self.signature.target.max_length or 1
        return longest if self.signature.target.task == "text" else max(longest - given + 1, 1)

    def draws(self, steps: int) -> np.ndarray:
        """Numbers in [0, 1) (rows, steps), by seed, place among all examples, and step; none where nobody draws."""
        if self.seed is None:
            return np.zeros((self.rows, 0), "float32")
        seeds = (derive(self.seed, "decoding", self.place + row) for row in range(self.rows))
        generators = map(np.random.default_rng, seeds)
        # in steps of 2 ** -24, so that rounding to float32 gives no 1
        return np.stack([one.integers(0, 2**24, steps) for one in generators]).astype("float32") / np.float32(2**24)


def cut(tokens: Any, sizes: np.ndarray, produced: int) -> list[np.ndarray]:
    """What was produced for each row, without the end."""
    rows: np.ndarray = np.asarray(keras.ops.convert_to_numpy(tokens))
    found = []
    for row, size in zip(rows, sizes, strict=True):
        text = row[size : size + produced]
        ends = np.flatnonzero((text == END) | (text == PADDING))
        found.append(text[: ends[0]] if len(ends) else text)
    return found
