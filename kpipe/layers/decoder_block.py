"""DecoderBlock: self-attention on what came before, attention on a memory, then a feed-forward network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from kpipe.layers.attention import Heads
from kpipe.layers.transformer_block import TransformerBlock

State = Mapping[str, Any]
"""Tensors (batch, heads, steps, head size): keys and values so far, and those of the memory."""


@keras.saving.register_keras_serializable("kpipe")
class DecoderBlock(TransformerBlock):
    """One layer of a Transformer's decoder: each step looks at those up to itself and, with ``cross``, at a memory.

    Padding stands at the end, where nobody looks. ``start`` and ``step`` compute the same one step at a time, with
    keys and values kept.

    Shapes:
        x (batch, time, width), memory (batch, source, width), valid (batch, source) boolean: what of it is there
        -> (batch, time, width), weights (batch, heads, time, time) and, with ``cross``, (batch, heads, time, source)

    Reference: A. Vaswani et al., 2017, Attention is all you need.
    """

    def call(self, x: Any, memory: Any = None, valid: Any = None) -> tuple[Any, ...]:
        steps = ops.arange(ops.shape(x)[1], dtype="int32")
        x, weights = self.look(x, (steps[:, None] >= steps)[None])
        if not self.cross:
            return self.finish(x), weights
        x, cross_weights = self.recall(x, self.cross_attention.heads_of(memory), valid)
        return self.finish(x), weights, cross_weights

    def recall(self, x: Any, memory: Heads, valid: Any) -> tuple[Any, Any]:
        """Attention on the memory, whose keys and values are ready."""
        allowed = None if valid is None else ops.expand_dims(valid, 1)
        mixed, weights = self.cross_attention.attend(self.around_cross_attention.enter(x), memory, allowed)
        return self.around_cross_attention.leave(x, mixed), weights

    def start(self, batch: Any, length: int, memory: Any = None) -> State:
        """Before the first of ``length`` steps: an empty cache, and the memory's keys and values, once and for all."""
        cache = self.attention.empty_cache(batch, length)
        state = {"keys": cache.keys, "values": cache.values}
        if self.cross:
            heads = self.cross_attention.heads_of(memory)
            state.update(memory_keys=heads.keys, memory_values=heads.values)
        return state

    def step(self, x: Any, position: Any, state: State, valid: Any = None) -> tuple[Any, State]:
        """One step (batch, 1, width)."""
        x, cache = ops.cast(x, self.compute_dtype), Heads(state["keys"], state["values"])
        mixed, _, cache = self.attention.step(self.around_attention.enter(x), cache, position)
        x = self.around_attention.leave(x, mixed)
        if self.cross:
            x, _ = self.recall(x, Heads(state["memory_keys"], state["memory_values"]), valid)
        return self.finish(x), {**state, "keys": cache.keys, "values": cache.values}
