"""Gradients: added up over all devices before the optimizer sees them, so that it sees that of the whole batch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import keras

from kpipe.errors import WrongInput

Sum = Callable[[list[Any]], list[Any]]
"""Adds tensors up over all devices."""


def add_up_gradients(model: keras.Model, add_up: Sum, divided_by: int = 1) -> Callable[[Any], Any]:
    """Makes a compiled model learn from the batch of all devices; returns its new step.

    Of the devices' mean losses L_r over n_r rows, the whole batch's is sum n_r L_r / sum n_r. It is the loss that is
    weighed, not its gradient: where statistics of the whole batch are taken, gradients pass from device to device on
    their way back. Clipping and averaging see the sum. Keras has ``divided_by`` so many the loss already.
    """
    seen = threading.local()  # TensorFlow traces each replica in a thread of its own
    optimizer, model_type = model.optimizer, type(model)
    scale_loss, apply = optimizer.scale_loss, optimizer.apply

    def step(data: Any) -> Any:
        rows = keras.ops.cast(keras.ops.shape(keras.tree.flatten(data)[0])[0], "float32")
        seen.weight = divided_by * rows / add_up([rows])[0]
        return model_type.train_step(model, data)

    def scale_by_weight(loss: Any) -> Any:
        loss = keras.ops.sum(loss)  # of a share without rows Keras gives no number on PyTorch
        return scale_loss(loss * keras.ops.cast(seen.weight, loss.dtype))

    def apply_sum(grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> Any:
        sums = iter(add_up([grad for grad in grads if grad is not None]))
        return apply([None if grad is None else next(sums) for grad in grads], trainable_variables)

    model.train_step, optimizer.scale_loss, optimizer.apply = step, scale_by_weight, apply_sum
    return step


def add_up_over_replicas(model: keras.Model) -> None:
    """The gradients of TensorFlow's replicas. Keras would add them up after clipping each."""
    import tensorflow as tf

    def add_up(tensors: list[Any]) -> list[Any]:
        dense = [tf.convert_to_tensor(one) if isinstance(one, tf.IndexedSlices) else one for one in tensors]
        sums: list[Any] = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, dense)
        return sums

    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if inner.gradient_accumulation_steps:
        raise WrongInput(
            "train.optimizer: gradient_accumulation_steps cannot be shared among devices on TensorFlow",
            "take a larger `batch_size` in its place, `devices: 1`, or another backend",
        )
    inner._all_reduce_sum_gradients = lambda grads_and_vars: grads_and_vars
    add_up_gradients(model, add_up, tf.distribute.get_strategy().num_replicas_in_sync)
