"""Generate: the one loop that every way of decoding runs in."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from kpipe.decoding.loop.search import Search, Step
from kpipe.parts import Stepper
from kpipe.tokenization.special import END, PADDING, START, UNKNOWN

FORBIDDEN = -1e9


class Batch(NamedTuple):
    """A batch of texts to produce; everything of fixed shape, so that nothing is compiled twice."""

    inputs: dict[str, Any]
    """what the model takes, by name"""
    given: Any
    """(batch, given) int32: the tokens that each text begins with, padded; at least one each"""
    sizes: Any
    """(batch,) int32: how many are given"""
    totals: Any
    """(batch,) int32: how many there will be at most, with those given"""
    idle: Any
    """(batch,) bool: an example that only fills up the batch"""
    draws: Any
    """(batch, steps) float32 in [0, 1), or (batch, 0)"""


def generate(stepper: Stepper, search: Search, batch: Batch, steps: int) -> Any:
    """Texts (batch, steps + 1): what is given, then what is produced, up to each text's total, then padding.

    What is given is fed token by token like the rest, so that texts that begin with different numbers of tokens go
    side by side. Ends before ``steps`` when all texts have ended. Padding, unknown and start are never produced: they
    are no words.
    """
    count, length = batch.given.shape
    state, given, sizes, totals, ended = keras.tree.map_structure(
        lambda tensor: repeated(tensor, search.width),
        (stepper.start(batch.inputs, steps), batch.given, batch.sizes, batch.totals, batch.idle),
    )
    tokens = ops.pad(given, ((0, 0), (0, steps + 1 - length)), constant_values=PADDING)

    def goes_on(position: Any, tokens: Any, ended: Any, memory: Any, state: Any) -> Any:  # noqa: ARG001
        return ops.logical_and(position < steps, ops.any(ops.logical_not(ended)))

    def advance(position: Any, tokens: Any, ended: Any, memory: Any, state: Any) -> Any:
        logits, state = stepper.step(ops.take(tokens, position, axis=1), position, state)
        forced = position + 1 < sizes
        step = Step(allowed(logits), position, ended, forced, batch.draws)
        chosen, parents, memory = search.choose(step, memory)
        if parents is not None:
            tokens, ended, state = keras.tree.map_structure(
                lambda tensor: ops.take(tensor, parents, axis=0), (tokens, ended, state)
            )
        written = ops.take(tokens, position + 1, axis=1)  # what is given, or padding
        chosen = ops.where(ops.logical_or(forced, ended), written, chosen)
        tokens = ops.slice_update(tokens, (0, position + 1), chosen[:, None])
        last = ops.logical_or(chosen == END, position + 2 >= totals)
        ended = ops.logical_or(ended, ops.logical_and(ops.logical_not(forced), last))
        return position + 1, tokens, ended, memory, state

    begun = (ops.convert_to_tensor(0, "int32"), tokens, ended, search.begin(count), state)
    _, tokens, _, memory, _ = ops.while_loop(goes_on, advance, begun)
    return search.best(tokens, sizes, memory)


def repeated(tensor: Any, width: int) -> Any:
    """Each row ``width`` times, one after the other."""
    return tensor if width == 1 else ops.repeat(tensor, width, axis=0)


def allowed(logits: Any) -> Any:
    """Logits in float32, those of padding, unknown and start far below all others."""
    penalty = np.zeros(logits.shape[-1], "float32")
    penalty[[PADDING, UNKNOWN, START]] = FORBIDDEN
    return ops.cast(logits, "float32") + ops.convert_to_tensor(penalty)
