"""TransformerBlock: what the layers of a Transformer's encoder and decoder have in common."""

from __future__ import annotations

from typing import Any

import keras

from kpipe.layers.attention import Attention
from kpipe.layers.feed_forward import FeedForward
from kpipe.layers.residual import Residual


class TransformerBlock(keras.layers.Layer):  # type: ignore[misc]
    """Self-attention, with ``cross`` attention on a memory, and a feed-forward network, each in a residual connection.

    Shapes: (batch, time, width) -> the same, and the weights of the attention

    Reference: A. Vaswani et al., 2017, Attention is all you need.
    """

    def __init__(
        self,
        num_heads: int,
        units: int,
        activation: str = "gelu",
        norm: str = "pre",
        dropout: float = 0.0,
        rotary: bool = False,
        cross: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        policy = self.dtype_policy
        self.own = {
            "num_heads": num_heads, "units": units, "activation": activation, "norm": norm, "dropout": dropout,
            "rotary": rotary, "cross": cross,
        }  # fmt: skip
        self.attention = Attention(num_heads, rotary, dtype=policy, name="self_attention")
        self.around_attention = Residual(norm, dropout, dtype=policy, name="around_self_attention")
        if cross:
            self.cross_attention = Attention(num_heads, dtype=policy, name="cross_attention")
            self.around_cross_attention = Residual(norm, dropout, dtype=policy, name="around_cross_attention")
        self.feed_forward = FeedForward(units, activation, dtype=policy, name="feed_forward")
        self.around_feed_forward = Residual(norm, dropout, dtype=policy, name="around_feed_forward")
        self.cross = cross

    def build(self, x_shape: tuple[int | None, ...]) -> None:
        for layer in (self.attention, self.around_attention, self.feed_forward, self.around_feed_forward):
            layer.build(x_shape)
        if self.cross:
            self.cross_attention.build(x_shape)
            self.around_cross_attention.build(x_shape)

    def look(self, x: Any, allowed: Any) -> tuple[Any, Any]:
        """Attention on itself; ``allowed`` (batch | 1, time | 1, time) says which step may look at which."""
        taken = self.around_attention.enter(x)
        mixed, weights = self.attention(taken, taken, allowed)
        return self.around_attention.leave(x, mixed), weights

    def finish(self, x: Any) -> Any:
        """The feed-forward network."""
        fed = self.feed_forward(self.around_feed_forward.enter(x))
        return self.around_feed_forward.leave(x, fed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.own}
