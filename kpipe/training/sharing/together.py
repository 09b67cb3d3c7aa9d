"""Together: what of a built model must know of the other devices: statistics of the batch, and random draws."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.training.sharing import ranks
from kpipe.training.sharing.replicas import let_shares_differ, replicas


def bring_together(model: keras.Model) -> None:
    """Batch normalization is over the whole batch, and TensorFlow's replicas draw each for itself. JAX needs neither:
    there one program computes the whole batch, whichever device does."""
    let_shares_differ(model)
    if replicas() > 1 or ranks.number() > 1:
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer._moments = MomentsOfAll(layer)
            for generator in layer._seed_generators if replicas() > 1 else ():
                if not isinstance(generator.next, DrawsOfReplica):
                    generator.next = DrawsOfReplica(generator)


class MomentsOfAll:
    """Mean and variance of a batch over all devices, as of one."""

    def __init__(self, layer: keras.layers.BatchNormalization) -> None:
        self.axes = layer._reduction_axes

    def __call__(self, inputs: Any, mask: Any = None) -> tuple[Any, Any]:
        there = ops.ones_like(inputs)
        if mask is not None:
            there = there * ops.cast(ops.expand_dims(mask, -1), inputs.dtype)
        count = sum_of_all(ops.sum(there, self.axes))
        mean = sum_of_all(ops.sum(inputs * there, self.axes)) / count
        shape = [1 if axis in self.axes else -1 for axis in range(len(inputs.shape))]
        deviation = (inputs - ops.reshape(mean, shape)) * there
        return mean, sum_of_all(ops.sum(ops.square(deviation), self.axes)) / count


def sum_of_all(tensor: Any) -> Any:
    """The sum over all devices; its gradient is the sum of theirs."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        context = tf.distribute.get_replica_context()  # none while Keras only looks at shapes
        return tensor if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)
    return summing().apply(tensor)


def summing() -> Any:
    """PyTorch's operation for it."""
    import torch
    from torch import distributed

    class Summing(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(_context: Any, tensor: Any) -> Any:
            total = tensor.clone()
            distributed.all_reduce(total)
            return total

        @staticmethod
        def backward(_context: Any, gradient: Any) -> Any:
            return Summing.forward(_context, gradient)

    return Summing


class DrawsOfReplica:
    """What a seed generator gives to each of TensorFlow's replicas: all count alike, and each has a seed of its own."""

    def __init__(self, generator: keras.random.SeedGenerator) -> None:
        self.of_all = generator.next

    def __call__(self, ordered: bool = True) -> Any:
        import tensorflow as tf

        drawn, context = self.of_all(ordered), tf.distribute.get_replica_context()
        if context is None:
            return drawn
        return drawn + ops.cast([context.replica_id_in_sync_group, 0], drawn.dtype)
