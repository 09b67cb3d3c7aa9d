"""EncoderBlock: self-attention, then a feed-forward network."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.layers.attention import Attention
from kpipe.layers.feed_forward import FeedForward
from kpipe.layers.residual import Residual


@keras.saving.register_keras_serializable("kpipe")
class EncoderBlock(keras.layers.Layer):  # type: ignore[misc]
    """One layer of a Transformer's encoder: every step looks at every other that is not padding.

    Shapes:
        x (batch, time, width), valid (batch, time) boolean: which steps are there; None is all
        -> (batch, time, width), weights (batch, heads, time, time)

    Reference: A. Vaswani et al., 2017, Attention is all you need.
    """

    def __init__(
        self,
        num_heads: int,
        units: int,
        activation: str = "relu",
        norm: str = "pre",
        dropout: float = 0.0,
        rotary: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        policy = self.dtype_policy
        self.own = {
            "num_heads": num_heads, "units": units, "activation": activation, "norm": norm, "dropout": dropout,
            "rotary": rotary,
        }  # fmt: skip
        self.attention = Attention(num_heads, rotary, dtype=policy, name="self_attention")
        self.around_attention = Residual(norm, dropout, dtype=policy, name="around_self_attention")
        self.feed_forward = FeedForward(units, activation, dtype=policy, name="feed_forward")
        self.around_feed_forward = Residual(norm, dropout, dtype=policy, name="around_feed_forward")

    def build(self, x_shape: tuple[int | None, ...]) -> None:
        for layer in (self.attention, self.around_attention, self.feed_forward, self.around_feed_forward):
            layer.build(x_shape)

    def call(self, x: Any, valid: Any = None) -> tuple[Any, Any]:
        allowed = None if valid is None else ops.expand_dims(valid, 1)
        taken = self.around_attention.enter(x)
        mixed, weights = self.attention(taken, taken, allowed)
        x = self.around_attention.leave(x, mixed)
        fed = self.feed_forward(self.around_feed_forward.enter(x))
        return self.around_feed_forward.leave(x, fed), weights

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.own}
