"""FeedForward: the same two dense layers at every step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kpipe")
class FeedForward(keras.layers.Layer):  # type: ignore[misc]
    """gelu, relu: ``f(x W1 + b1) W2 + b2``; swiglu: ``(silu(x W1) * x V) W2``, three matrices without biases.

    Shapes: (batch, time, width) -> the same

    Reference: A. Vaswani et al., 2017, Attention is all you need. D. Hendrycks, K. Gimpel, 2016, Gaussian error linear
    units. N. Shazeer, 2020, GLU variants improve Transformer.
    """

    def __init__(self, units: int, activation: str = "gelu", **options: Any) -> None:
        super().__init__(**options)
        self.units, self.activation = units, activation

    def build(self, x_shape: tuple[int | None, ...]) -> None:
        width, gated = int(x_shape[-1] or 0), self.activation == "swiglu"
        sizes = {"inner": (width, self.units), "outer": (self.units, width)}
        if gated:
            sizes["gate"] = (width, self.units)
        for name, (taken, given) in sizes.items():
            layer = keras.layers.Dense(given, use_bias=not gated, dtype=self.dtype_policy, name=name)
            layer.build((None, None, taken))
            setattr(self, name, layer)

    def call(self, x: Any) -> Any:
        inner = self.inner(x)
        if self.activation == "swiglu":
            return self.outer(ops.silu(self.gate(x)) * inner)
        return self.outer(ops.relu(inner) if self.activation == "relu" else ops.gelu(inner, approximate=False))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "activation": self.activation}
