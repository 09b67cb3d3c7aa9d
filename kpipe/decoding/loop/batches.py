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


class Preparing:
    """Batches of one call, one after the other."""

    def __init__(self, signature: Signature, max_length: int | None, seed: int | None) -> None:
        self.signature, self.max_length, self.seed = signature, max_length, seed
        self.rows = 0

    def prepare(self, batch: Mapping[str, np.ndarray], numbers: np.ndarray) -> Prepared:
        """Filled up by repeating the first example to the size of the greatest batch so far.

        ``numbers`` (examples,) tell each example from all others of the call: by them it draws.
        """
        names = [feature.name for feature in self.signature.inputs if feature.name in batch]
        count = len(batch[names[0]])
        self.rows = max(self.rows, count)
        places = np.where(np.arange(self.rows) < count, np.arange(self.rows), 0)
        inputs = {name: np.asarray(batch[name])[places] for name in names}
        given = self.given(inputs)
        sizes = np.maximum((given != PADDING).sum(axis=1), 1).astype("int32")
        totals = self.totals(sizes)
        steps = max(self.longest(given.shape[1]), given.shape[1]) - 1
        idle = np.arange(self.rows) >= count
        draws = self.draws(numbers[places], steps)
        return Prepared(Batch(inputs, given, sizes, totals, idle, draws), count, steps)

    def given(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """What each text begins with (rows, given): the start token, or of next_token the tokens to go on from."""
        if self.signature.target.task == "text":
            return np.full((self.rows, 1), START, "int32")
        tokens = inputs[self.signature.input.name].astype("int32")
        if not tokens.shape[1]:
            return np.full((self.rows, 1), START, "int32")
        empty = tokens[:, 0] == PADDING
        return np.concatenate([np.where(empty, START, tokens[:, 0])[:, None], tokens[:, 1:]], axis=1).astype("int32")

    def totals(self, sizes: np.ndarray) -> np.ndarray:
        """The length of each text at most (rows,): with as many more as asked for, else as the longest target has.

        A text of next_token is as long as the longest that the model was trained on, with what is given, and one more.
        """
        if self.max_length is not None:
            return np.asarray(sizes + np.int32(self.max_length))
        whole = np.int32((self.signature.target.max_length or 1) + 1)
        return np.asarray(np.maximum(whole, sizes + np.int32(1)), np.int32)

    def longest(self, given: int) -> int:
        """The greatest total of texts that begin with ``given`` tokens: it is the same for batches of one width."""
        return int(self.totals(np.array([given], "int32"))[0])

    def draws(self, numbers: np.ndarray, steps: int) -> np.ndarray:
        """Numbers in [0, 1) (rows, steps), by seed, the example's number, and step; none where nobody draws."""
        if self.seed is None:
            return np.zeros((self.rows, 0), "float32")
        seeds = (derive(self.seed, "decoding", int(number)) for number in numbers)
        generators = map(np.random.default_rng, seeds)
        # in steps of 2 ** -24, so that rounding to float32 gives no 1
        return np.stack([one.integers(0, 2**24, steps) for one in generators]).astype("float32") / np.float32(2**24)


def cut(tokens: Any, sizes: np.ndarray, totals: np.ndarray) -> list[np.ndarray]:
    """What was produced for each row, without the end."""
    rows: np.ndarray = np.asarray(keras.ops.convert_to_numpy(tokens))
    found = []
    for row, size, total in zip(rows, sizes, totals, strict=True):
        text = row[size:total]
        ends = np.flatnonzero((text == END) | (text == PADDING))
        found.append(text[: ends[0]] if len(ends) else text)
    return found
