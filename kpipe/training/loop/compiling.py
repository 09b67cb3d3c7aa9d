"""Compiling: optimizer, loss and metrics put into a model, so that training means the same on every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from kpipe.kernels.adam import take_fused_adam
from kpipe.kernels.take import takes_kernels
from kpipe.training.loop.chosen import fastest
from kpipe.training.sharing import ranks
from kpipe.training.sharing.gradients import add_up_over_replicas
from kpipe.training.sharing.replicas import replicas
from kpipe.training.sharing.shares import require_mean
from kpipe.training.sharing.together import bring_together


def compile_model(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: keras.losses.Loss,
    metrics: Sequence[keras.metrics.Metric],
    jit_compile: bool | None = None,
) -> None:
    """Compiles anew, as each stage must, and makes the optimizer's variables; None: with XLA where that is faster."""
    if replicas() > 1 or ranks.number() > 1:
        require_mean(loss)
        bring_together(model)
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics), jit_compile=False)
    # the property would refuse it on JAX for layers that only TensorFlow cannot compile
    model._jit_compile = fastest(model)[0] if jit_compile is None else jit_compile
    model.optimizer.build(model.trainable_variables)
    if replicas() > 1:
        add_up_over_replicas(model)
    elif keras.backend.backend() == "tensorflow":
        make_gradients_dense(model.optimizer)
    if takes_kernels(model):
        take_fused_adam(model.optimizer)
    if keras.backend.backend() == "jax":
        keep_added_losses(model)


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
