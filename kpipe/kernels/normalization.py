"""Batch and group normalization in one pass, by PyTorch's own kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import torch
from keras import ops
from torch.nn import functional


def normalizations() -> Iterator[tuple[type[keras.Layer], Callable[..., Any], Callable[[Any], bool]]]:
    """The layers, what stands for their call, and when."""
    yield keras.layers.BatchNormalization, normalize_batch, is_plain
    yield keras.layers.GroupNormalization, normalize_groups, has_channels_last


def is_plain(layer: Any) -> bool:
    return not layer.renorm and not layer.synchronized


def has_channels_last(layer: Any) -> bool:
    return bool(layer.axis == -1)


def normalize_batch(layer: Any, by_keras: Any, inputs: torch.Tensor, training: Any = None, mask: Any = None) -> Any:
    """Keras's ``BatchNormalization.call``. The moving variance is of the batch as it is, as Keras counts it."""
    if mask is not None or "_moments" in vars(layer):  # those of several devices together
        return by_keras(inputs, training=training, mask=mask)
    x = exact(inputs).movedim(layer.axis, 1)
    mean, variance = (ops.convert_to_tensor(one).to(x.dtype) for one in (layer.moving_mean, layer.moving_variance))
    scale, shift, epsilon = weight(layer, "gamma", x), weight(layer, "beta", x), layer.epsilon
    if training and layer.trainable:
        y, of_batch, inverse = torch.native_batch_norm(x, scale, shift, None, None, True, 0.0, epsilon)
        fresh, momentum = 1.0 - layer.momentum, layer.momentum
        layer.moving_mean.assign(mean * momentum + of_batch.detach() * fresh)
        layer.moving_variance.assign(variance * momentum + (inverse.detach() ** -2 - epsilon) * fresh)
    else:
        y = functional.batch_norm(x, mean, variance, scale, shift, False, 0.0, epsilon)
    return ops.cast(y.movedim(1, layer.axis), layer.compute_dtype)


def normalize_groups(layer: Any, by_keras: Any, inputs: torch.Tensor) -> Any:  # noqa: ARG001
    """Keras's ``GroupNormalization.call``."""
    x = exact(inputs).movedim(-1, 1)
    scale, shift = weight(layer, "gamma", x), weight(layer, "beta", x)
    y = functional.group_norm(x, layer.groups, scale, shift, layer.epsilon)
    return ops.cast(y.movedim(1, -1), layer.compute_dtype)


def exact(inputs: torch.Tensor) -> torch.Tensor:
    """In float32 at least: sums of many small numbers."""
    return inputs.to(torch.promote_types(inputs.dtype, torch.float32))


def weight(layer: Any, name: str, x: torch.Tensor) -> torch.Tensor | None:
    """The layer's scale or shift, if it has one."""
    variable = getattr(layer, name)
    return None if variable is None else ops.convert_to_tensor(variable).to(x.dtype)
