"""Compiling: optimizer, loss and metrics put into a model, so that training means the same on every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


def compile_model(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: keras.losses.Loss,
    metrics: Sequence[keras.metrics.Metric],
) -> None:
    """Compiles anew, as each stage must, and makes the optimizer's variables."""
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics), jit_compile=jit_compile(model))
    model.optimizer.build(model.trainable_variables)
    if keras.backend.backend() == "tensorflow":
        make_gradients_dense(model.optimizer)
    if keras.backend.backend() == "torch":
        from kpipe.kernels.adam import take_fused_adam

        take_fused_adam(model.optimizer)
    if keras.backend.backend() == "jax":
        keep_added_losses(model)


def jit_compile(model: keras.Model) -> bool | str:
    """Keras's own choice, but not XLA for convolutions on TensorFlow's CPU: twice as slow there, and slow to begin."""
    if keras.backend.backend() != "tensorflow" or keras.distribution.list_devices("gpu"):
        return "auto"
    convolutions = (
        keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.SeparableConv2D,
        keras.layers.DepthwiseConv2D, keras.layers.Conv2DTranspose,
    )  # fmt: skip
    return False if any(isinstance(layer, convolutions) for layer in model._flatten_layers()) else "auto"


def make_gradients_dense(optimizer: keras.optimizers.Optimizer) -> None:
    """An embedding's gradient comes in slices, which Keras squares before it adds up those of the same row.

    Adaptive optimizers and clipping by norm are then wrong; a dense gradient is right, as on the other backends.
    """
    import tensorflow as tf

    apply = optimizer.apply

    def apply_dense(grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> Any:
        dense = [tf.convert_to_tensor(one) if isinstance(one, tf.IndexedSlices) else one for one in grads]
        return apply(dense, trainable_variables)

    optimizer.apply = apply_dense


def keep_added_losses(model: keras.Model) -> None:
    """Penalties that layers add to the loss are all counted, whatever was traced before.

    Keras knows them by ``id``. A layer forgets those of the trace before only when it is called, and then throws away
    what another layer has just added, should that have come to lie where an old one of its own was.
    """
    call = type(model).stateless_call

    def call_anew(*args: Any, **kwargs: Any) -> Any:
        model._clear_losses()
        return call(model, *args, **kwargs)

    model.stateless_call = call_anew
