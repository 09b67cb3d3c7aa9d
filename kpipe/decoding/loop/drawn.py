"""Drawn: tokens drawn by their probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from kpipe.decoding.loop.search import Choice, Step

NEVER = -1e9
"""A logit of what is not drawn."""


@dataclass(frozen=True)
class Drawn:
    """Draws from softmax(logits / temperature) over the ``top_k`` most probable, and of these the nucleus ``top_p``.

    The number drawn in [0, 1) says how far along the probabilities, added up in the order of the vocabulary, the token
    lies. It comes from NumPy, so that every backend draws the same.
    """

    temperature: float
    top_k: int | None
    top_p: float | None
    width = 1

    def begin(self, batch: int) -> Any:  # noqa: ARG002
        return ()

    def choose(self, step: Step, memory: Any) -> Choice:
        logits = step.logits / self.temperature
        if self.top_k is not None:
            logits = keep_most_probable(logits, self.top_k)
        if self.top_p is not None:
            logits = keep_nucleus(logits, self.top_p)
        probabilities = ops.softmax(logits, axis=-1)
        reached = ops.cumsum(probabilities, axis=-1)
        drawn = ops.take(step.draws, step.position, axis=1)[:, None] * reached[:, -1:]
        # sums may be rounded upwards where nothing is added: only what has a probability can be drawn
        beyond = ops.logical_and(reached > drawn, probabilities > 0)
        first = ops.argmax(ops.cast(beyond, "int32"), axis=-1)
        tokens = ops.where(ops.any(beyond, axis=-1), first, ops.argmax(logits, axis=-1))
        return Choice(ops.cast(tokens, "int32"), None, memory)

    def best(self, tokens: Any, sizes: Any, memory: Any) -> Any:  # noqa: ARG002
        return tokens


def keep_most_probable(logits: Any, count: int) -> Any:
    """Only the ``count`` greatest, and what equals the last of them."""
    greatest = ops.flip(ops.sort(logits, axis=-1), axis=-1)
    last = greatest[:, min(count, logits.shape[-1]) - 1, None]
    return ops.where(logits >= last, logits, NEVER)


def keep_nucleus(logits: Any, share: float) -> Any:
    """Only the most probable that together have at least ``share``, and what equals the last of them."""
    greatest = ops.flip(ops.sort(logits, axis=-1), axis=-1)
    probabilities = ops.softmax(greatest, axis=-1)
    before = ops.cumsum(probabilities, axis=-1) - probabilities
    inside = ops.logical_or(before < share, ops.arange(logits.shape[-1]) == 0)
    last = ops.min(ops.where(inside, greatest, greatest[:, :1]), axis=-1, keepdims=True)
    return ops.where(logits >= last, logits, NEVER)
