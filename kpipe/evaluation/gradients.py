"""Gradients of a model's outputs with respect to its inputs, on each backend."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def gradients(model: keras.Model, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """d sum_i model(inputs)[i, outputs[i]] / d inputs, in the inputs' shape: of each example, its own gradient.

    Shapes: (batch, ...), (batch,) -> (batch, ...)
    """
    chosen = np.eye(model.output_shape[-1], dtype="float32")[outputs]
    of = {"tensorflow": with_tensorflow, "jax": with_jax, "torch": with_torch}[keras.backend.backend()]
    return np.asarray(of(model, inputs, chosen))


def with_tensorflow(model: keras.Model, inputs: np.ndarray, chosen: np.ndarray) -> Any:
    import tensorflow as tf

    watched = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        total = tf.reduce_sum(model(watched, training=False) * chosen)
    return tape.gradient(total, watched)


def with_jax(model: keras.Model, inputs: np.ndarray, chosen: np.ndarray) -> Any:
    import jax

    def total(watched: Any, chosen: Any, trained: list[Any], others: list[Any]) -> Any:
        return (model.stateless_call(trained, others, watched, training=False)[0] * chosen).sum()

    groups = (model.trainable_variables, model.non_trainable_variables)
    # The weights are arguments, not constants of the program, so that JAX finds it in its cache after any training.
    return jax.jit(jax.grad(total))(inputs, chosen, *([variable.value for variable in group] for group in groups))


def with_torch(model: keras.Model, inputs: np.ndarray, chosen: np.ndarray) -> Any:
    import torch

    watched = keras.ops.convert_to_tensor(inputs).requires_grad_()
    with torch.enable_grad():
        total = (model(watched, training=False) * keras.ops.convert_to_tensor(chosen)).sum()
        (gradient,) = torch.autograd.grad(total, watched)
    return gradient.cpu().numpy()
