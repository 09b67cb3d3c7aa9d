"""BestOfBeam: several texts at once, of which the best goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from kpipe.decoding.loop.search import Choice, Step
from kpipe.tokenization.special import END, PADDING

DEAD, NEVER, TAKEN, KEPT = -1e9, -1e20, -3e38, 1e9
"""Scores of a row that does not live yet, of what cannot follow, of what is chosen already, and of what must stay."""


@dataclass(frozen=True)
class BestOfBeam:
    """``width`` rows for each example; a row that ends keeps its place, the others share what is left.

    The memory is each row's log-probability (batch, width). In the beginning one row of an example lives, so that
    all grow out of it.
    """

    width: int
    length_penalty: float

    def begin(self, batch: int) -> Any:
        first = ops.cast(ops.arange(self.width) == 0, "float32")
        return ops.tile(((1.0 - first) * DEAD)[None], (batch, 1))

    def choose(self, step: Step, memory: Any) -> Choice:
        num_tokens = step.logits.shape[-1]
        ended = ops.reshape(step.ended, (-1, self.width))
        forced = ops.reshape(step.forced, (-1, self.width))
        grown = ops.reshape(ops.log_softmax(step.logits, axis=-1), (-1, self.width, num_tokens)) + memory[:, :, None]
        stays = ops.where(ops.arange(num_tokens) == PADDING, KEPT, NEVER)
        values, places = self._highest(ops.where(ended[:, :, None], stays, grown))
        slots = places // num_tokens  # (batch, width)
        kept = ops.take_along_axis(memory, slots, axis=1)
        scores = ops.where(ops.take_along_axis(ended, slots, axis=1), kept, values)
        own = ops.broadcast_to(ops.arange(self.width, dtype="int32"), slots.shape)
        slots = ops.where(forced, own, slots)
        first = ops.arange(slots.shape[0], dtype="int32")[:, None] * self.width
        return Choice(
            tokens=ops.reshape(places % num_tokens, (-1,)),
            parents=ops.reshape(slots + first, (-1,)),
            memory=ops.where(forced, memory, scores),
        )

    def _highest(self, candidates: Any) -> tuple[Any, Any]:
        """The ``width`` highest of (batch, width, num_tokens), and their places counted over both axes.

        One after the other: `top_k` orders equal ones differently on PyTorch.
        """
        flat = ops.reshape(candidates, (candidates.shape[0], -1))
        numbers = ops.arange(flat.shape[1], dtype="int32")
        values, places = [], []
        for _ in range(self.width):
            place = ops.cast(ops.argmax(flat, axis=1), "int32")[:, None]
            values.append(ops.take_along_axis(flat, place, axis=1))
            places.append(place)
            flat = ops.where(numbers == place, TAKEN, flat)
        return ops.concatenate(values, axis=1), ops.concatenate(places, axis=1)

    def best(self, tokens: Any, sizes: Any, memory: Any) -> Any:
        """The highest log-probability / ((5 + length) / 6) ** length_penalty; what has ended goes before what has not.

        The length counts the tokens produced, with the end.
        """
        length = tokens.shape[1]
        produced = ops.arange(length, dtype="int32") >= sizes[:, None]
        counts = ops.sum(ops.cast(ops.logical_and(produced, tokens != PADDING), "float32"), axis=1)
        has_end = ops.any(ops.logical_and(produced, tokens == END), axis=1)
        counts, has_end = (ops.reshape(each, (-1, self.width)) for each in (counts, has_end))
        scores = memory / ops.power((5.0 + counts) / 6.0, self.length_penalty)
        whole = ops.logical_and(has_end, memory > DEAD / 2)
        unfit = ops.logical_and(ops.any(whole, axis=1, keepdims=True), ops.logical_not(whole))
        winner = ops.cast(ops.argmax(ops.where(unfit, NEVER, scores), axis=1), "int32")
        first = ops.arange(winner.shape[0], dtype="int32") * self.width
        return ops.take(tokens, winner + first, axis=0)
