"""Corruption: noise on a layer's input, in training only, for autoencoders that learn to take it off again."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.layers import stateless_random


@keras.saving.register_keras_serializable("kpipe")
class Corruption(keras.layers.Layer):  # type: ignore[misc]
    """Damages each number of its input independently of the others, and does nothing outside of training.

    masking: with probability ``amount`` it becomes 0. gaussian: a normal number of deviation ``amount`` is added.
    salt_and_pepper: with probability ``amount`` it becomes ``low`` or ``high``, each as likely. What
    is damaged, and how, depends on the seed and the number of calls alone: it is the same on every backend.

    Shapes: any -> the same
    Reference: P. Vincent et al., 2010, Stacked denoising autoencoders, section 5.3.
    """

    def __init__(
        self, kind: str, amount: float, low: float = 0.0, high: float = 1.0, seed: int = 0, **layer: Any
    ) -> None:
        super().__init__(**layer)
        self.kind, self.amount, self.low, self.high, self.seed = kind, amount, low, high, seed
        self.generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.amount == 0:
            return inputs
        shape, state = ops.shape(inputs), self.generator.next()
        if self.kind == "gaussian":
            return inputs + ops.cast(self.amount * stateless_random.normal(shape, state), self.compute_dtype)
        drawn = stateless_random.uniform(shape, state)
        if self.kind == "masking":
            return ops.where(drawn < self.amount, ops.zeros_like(inputs), inputs)
        damaged = ops.where(drawn < self.amount, ops.full_like(inputs, self.high), inputs)
        return ops.where(drawn < self.amount / 2, ops.full_like(inputs, self.low), damaged)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"kind": self.kind, "amount": self.amount, "low": self.low, "high": self.high, "seed": self.seed}
        return {**super().get_config(), **own}
