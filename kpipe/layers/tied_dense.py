"""TiedDense: a dense layer whose kernel is another's, transposed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kpipe")
class TiedDense(keras.layers.Layer):  # type: ignore[misc]
    """``x W^T + b``: goes back the way that a dense layer with the kernel ``W`` came; its only weight is ``b``.

    What is saved is ``W`` with it: a layer that is loaded without the other one has a kernel of its own, of the same
    numbers, and so gives the same. With the other one, as kpipe builds the network, it is tied again.

    Shapes: (batch, units of the other) -> (batch, units)
    Reference: P. Vincent et al., 2010, Stacked denoising autoencoders, section 2.2 (tied weights).
    """

    def __init__(self, units: int, tied_to: Callable[[], Any] | None = None, **layer: Any) -> None:
        """``tied_to`` gives the other layer's kernel (units, units of the other)."""
        super().__init__(**layer)
        self.units, self.tied_to = units, tied_to

    def build(self, input_shape: Any) -> None:
        if self.tied_to is None:
            self.own_kernel = self.add_weight(shape=(self.units, input_shape[-1]), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    @property
    def kernel(self) -> Any:
        """(units, units of the other)."""
        return self.own_kernel if self.tied_to is None else self.tied_to()

    def call(self, inputs: Any) -> Any:
        kernel = ops.cast(self.kernel, self.compute_dtype)
        return ops.matmul(inputs, ops.transpose(kernel)) + ops.cast(self.bias, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)

    def save_own_variables(self, store: Any) -> None:
        store["bias"] = ops.convert_to_numpy(self.bias)
        store["kernel"] = ops.convert_to_numpy(self.kernel)

    def load_own_variables(self, store: Any) -> None:
        self.bias.assign(store["bias"])
        if self.tied_to is None:
            self.own_kernel.assign(store["kernel"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
