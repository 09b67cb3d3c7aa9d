"""Attention: each query takes a weighted mean of values, with several heads."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from kpipe.layers.masked_softmax import masked_softmax

WAVELENGTH = 10_000.0


class Heads(NamedTuple):
    """Keys and values of what is attended to, each (batch, heads, keys, head size)."""

    keys: Any
    values: Any


@keras.saving.register_keras_serializable("kpipe")
class Attention(keras.layers.Layer):  # type: ignore[misc]
    """Multi-head attention: ``softmax(Q K^T / sqrt(head size)) V`` in each head, then one projection of all heads.

    Queries, keys and values are projected without a bias, as in the paper. Masks are explicit: ``allowed`` says which
    query may look at which key. A query that may look nowhere gets zeros, with a gradient of zero. The softmax is
    computed in float32 at any precision. ``rotary`` turns queries and keys by their positions (Su et al. 2021).

    Shapes:
        queries (batch, queries, width), memory (batch, keys, width), allowed (batch | 1, queries | 1, keys) boolean
        -> (batch, queries, width), weights (batch, heads, queries, keys)

    Reference: A. Vaswani et al., 2017, Attention is all you need.
    """

    def __init__(self, num_heads: int, rotary: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.num_heads, self.rotary = num_heads, rotary

    def build(self, queries_shape: tuple[int | None, ...]) -> None:
        self.width = width = int(queries_shape[-1] or 0)
        self.head_size = width // self.num_heads
        for name in ("query", "key", "value", "combined"):
            layer = keras.layers.Dense(width, use_bias=False, dtype=self.dtype_policy, name=name)
            layer.build((None, None, width))
            setattr(self, name, layer)

    def call(self, queries: Any, memory: Any, allowed: Any = None) -> tuple[Any, Any]:
        return self.attend(queries, self.heads_of(memory), allowed)

    def heads_of(self, memory: Any, first: Any = 0) -> Heads:
        """Keys and values of ``memory``, whose first step stands at the position ``first``."""
        keys, values = self.split(self.key(memory)), self.split(self.value(memory))
        return Heads(self.turn(keys, first), values)

    def attend(self, queries: Any, heads: Heads, allowed: Any = None, first: Any = 0) -> tuple[Any, Any]:
        """What the queries take from keys and values that are ready, and the weights they take it with."""
        turned = self.turn(self.split(self.query(queries)), first)
        scores = ops.einsum("bhqd,bhkd->bhqk", turned, heads.keys)
        there = None if allowed is None else ops.expand_dims(allowed, 1)
        weights = masked_softmax(ops.cast(scores, "float32") * self.head_size**-0.5, there)
        mixed = ops.einsum("bhqk,bhkd->bhqd", ops.cast(weights, heads.values.dtype), heads.values)
        batch, time = ops.shape(queries)[0], ops.shape(queries)[1]
        joined = ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (batch, time, self.width))
        return self.combined(joined), weights

    def step(self, query: Any, cache: Heads, position: Any) -> tuple[Any, Any, Heads]:
        """One step (batch, 1, width) at ``position``: it joins the cache and looks at all up to itself."""
        new = self.heads_of(query, position)
        cache = Heads(put(cache.keys, new.keys, position), put(cache.values, new.values, position))
        allowed = ops.arange(cache.keys.shape[2], dtype="int32") <= position
        mixed, weights = self.attend(query, cache, allowed[None, None, :], position)
        return mixed, weights, cache

    def empty_cache(self, batch: Any, length: int) -> Heads:
        """Room for the keys and values of ``length`` steps."""
        shape = (batch, self.num_heads, length, self.head_size)
        return Heads(ops.zeros(shape, self.compute_dtype), ops.zeros(shape, self.compute_dtype))

    def split(self, x: Any) -> Any:
        """(batch, time, width) -> (batch, heads, time, head size)"""
        shape = (ops.shape(x)[0], ops.shape(x)[1], self.num_heads, self.head_size)
        return ops.transpose(ops.reshape(x, shape), (0, 2, 1, 3))

    def turn(self, x: Any, first: Any) -> Any:
        return rotated(x, first) if self.rotary else x

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_heads": self.num_heads, "rotary": self.rotary}


def rotated(x: Any, first: Any) -> Any:
    """Each pair of features i and i + half turned by the angle ``position / 10000^(2i / size)``.

    The product of a turned query and a turned key then depends on the distance of their positions alone.

    Shapes: (batch, heads, time, head size) -> the same
    """
    half = x.shape[-1] // 2
    steps = ops.cast(first, "float32") + ops.arange(ops.shape(x)[2], dtype="float32")
    rates = WAVELENGTH ** (-ops.arange(half, dtype="float32") / half)
    angles = steps[:, None] * rates  # (time, half)
    sine, cosine = ops.cast(ops.sin(angles), x.dtype), ops.cast(ops.cos(angles), x.dtype)
    one, other = x[..., :half], x[..., half:]
    return ops.concatenate([one * cosine - other * sine, one * sine + other * cosine], axis=-1)


def put(cache: Any, new: Any, position: Any) -> Any:
    """The cache (batch, heads, length, size) with one step (batch, heads, 1, size) put in at ``position``."""
    start = ops.stack([0, 0, ops.cast(position, "int32"), 0])
    return ops.slice_update(cache, start, new)
