"""Residual: what stands around each sub-layer of a Transformer."""

from __future__ import annotations

from typing import Any

import keras

EPSILON = 1e-6
"""Of layer normalization, as in the paper's own program; Keras's default of 1e-3 changes small activations."""


def layer_normalization(policy: Any, name: str) -> keras.layers.LayerNormalization:
    return keras.layers.LayerNormalization(epsilon=EPSILON, dtype=policy, name=name)


@keras.saving.register_keras_serializable("kpipe")
class Residual(keras.layers.Layer):  # type: ignore[misc]
    """A residual connection with layer normalization and dropout around a sub-layer f.

    post: ``norm(x + dropout(f(x)))``, the paper's; pre: ``x + dropout(f(norm(x)))``, which trains without a warm-up.
    The sub-layer is computed between ``enter`` and ``leave``.

    Shapes: (batch, time, width) -> the same

    Reference: R. Xiong et al., 2020, On layer normalization in the Transformer architecture.
    """

    def __init__(self, norm: str = "pre", dropout: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.norm, self.dropout = norm, dropout
        self.normalization = layer_normalization(self.dtype_policy, "norm")
        self.dropping = keras.layers.Dropout(dropout, seed=0, dtype=self.dtype_policy, name="dropout")

    def build(self, x_shape: tuple[int | None, ...]) -> None:
        self.normalization.build(x_shape)
        self.dropping.build(x_shape)

    def enter(self, x: Any) -> Any:
        """What the sub-layer takes."""
        return self.normalization(x) if self.norm == "pre" else x

    def leave(self, x: Any, given: Any) -> Any:
        """What comes out when the sub-layer has ``given``."""
        total = x + self.dropping(given)
        return total if self.norm == "pre" else self.normalization(total)

    def call(self, x: Any, given: Any) -> Any:
        return self.leave(x, given)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "norm": self.norm, "dropout": self.dropout}
