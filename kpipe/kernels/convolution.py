"""Convolutions and pooling of images without copies.

Keras's images (batch, height, width, channels) are, seen with the channels second, what PyTorch calls
``channels_last``: its kernels take them as they lie in memory. Keras copies them to the other order first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import torch
from keras import ops
from torch.nn import functional

from kpipe.feature_map import Window


def convolutions() -> Iterator[tuple[type[keras.Layer], Callable[..., Any], Callable[[Any], bool]]]:
    """The layers, what stands for their call, and when."""
    yield keras.layers.Conv2D, convolve, has_channels_last
    yield keras.layers.DepthwiseConv2D, convolve_depthwise, has_channels_last
    yield keras.layers.SeparableConv2D, convolve_separable, has_channels_last
    yield keras.layers.Conv2DTranspose, convolve_transposed, is_gapless


def pooling() -> Iterator[tuple[type[keras.Layer], Callable[..., Any], Callable[[Any], bool]]]:
    yield keras.layers.MaxPooling2D, pool_maximum, is_unpadded
    yield keras.layers.AveragePooling2D, pool_mean, is_unpadded


def has_channels_last(layer: Any) -> bool:
    return bool(layer.data_format == "channels_last")


def is_gapless(layer: Any) -> bool:
    """Whether the kernels touch, so that nothing is to be put between or behind."""
    wide = all(kernel >= stride for kernel, stride in zip(layer.kernel_size, layer.strides, strict=True))
    return has_channels_last(layer) and wide and layer.output_padding is None and set(layer.dilation_rate) == {1}


def is_unpadded(layer: Any) -> bool:
    return has_channels_last(layer) and layer.padding == "valid"


def convolve(layer: Any, by_keras: Any, inputs: torch.Tensor) -> Any:  # noqa: ARG001
    """Keras's ``Conv2D.call``."""
    return active(layer, slide(layer, channels_second(inputs), ops.convert_to_tensor(layer.kernel), bias_of(layer)))


def convolve_depthwise(layer: Any, by_keras: Any, inputs: torch.Tensor) -> Any:  # noqa: ARG001
    """Keras's ``DepthwiseConv2D.call``."""
    kernel = by_channel(ops.convert_to_tensor(layer.kernel))
    return active(layer, slide(layer, channels_second(inputs), kernel, bias_of(layer)))


def convolve_separable(layer: Any, by_keras: Any, inputs: torch.Tensor) -> Any:  # noqa: ARG001
    """Keras's ``SeparableConv2D.call``."""
    x = slide(layer, channels_second(inputs), by_channel(ops.convert_to_tensor(layer.depthwise_kernel)), None)
    pointwise = ops.convert_to_tensor(layer.pointwise_kernel).permute(3, 2, 0, 1)
    return active(layer, functional.conv2d(x, pointwise, bias_of(layer)))


def convolve_transposed(layer: Any, by_keras: Any, inputs: torch.Tensor) -> Any:  # noqa: ARG001
    """Keras's ``Conv2DTranspose.call``: what a convolution would have padded is cut off.

    PyTorch cuts both ends alike, so that where the second is to lose one more, a zero before the kernel shifts it all.
    """
    x, kernel = channels_second(inputs), ops.convert_to_tensor(layer.kernel).permute(3, 2, 0, 1)
    sides = [size * stride for size, stride in zip(x.shape[2:], layer.strides, strict=True)]
    (top, bottom), (left, right) = around(layer, sides)
    shifted = functional.pad(kernel, (right - left, 0, bottom - top, 0))
    return active(layer, functional.conv_transpose2d(x, shifted, bias_of(layer), layer.strides, (bottom, right)))


def pool_maximum(layer: Any, by_keras: Any, inputs: torch.Tensor) -> Any:  # noqa: ARG001
    """Keras's ``MaxPooling2D.call``."""
    return channels_final(functional.max_pool2d(channels_second(inputs), layer.pool_size, layer.strides))


def pool_mean(layer: Any, by_keras: Any, inputs: torch.Tensor) -> Any:  # noqa: ARG001
    """Keras's ``AveragePooling2D.call``."""
    return channels_final(functional.avg_pool2d(channels_second(inputs), layer.pool_size, layer.strides))


def slide(layer: Any, x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """A kernel (height, width, channels in a group, channels) over images with the channels second."""
    x, padding = padded(layer, x)
    groups = x.shape[1] // kernel.shape[2]
    turned = kernel.permute(3, 2, 0, 1)
    return functional.conv2d(x, turned, bias, layer.strides, padding, layer.dilation_rate, groups)


def padded(layer: Any, x: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
    """The images, and how many zeros PyTorch is to put on both sides; where the sides differ, they are put here."""
    (top, bottom), (left, right) = around(layer, x.shape[2:])
    if top == bottom and left == right:
        return x, (top, left)
    return functional.pad(x, (left, right, top, bottom)), (0, 0)


def around(layer: Any, sides: Sequence[int]) -> list[tuple[int, int]]:
    """The zeros before and after each side of the images that a convolution goes over."""
    settings = zip(sides, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
    return [Window(size, kernel, stride, layer.padding, dilation).padded for size, kernel, stride, dilation in settings]


def by_channel(kernel: torch.Tensor) -> torch.Tensor:
    """(height, width, channels, multiplier) as a kernel of one channel for each group."""
    height, width, channels, multiplier = kernel.shape
    return kernel.reshape(height, width, 1, channels * multiplier)


def bias_of(layer: Any) -> torch.Tensor | None:
    return ops.convert_to_tensor(layer.bias) if layer.use_bias else None


def active(layer: Any, x: torch.Tensor) -> Any:
    """Channels last again, through the layer's activation."""
    return layer.activation(channels_final(x))


def channels_second(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 3, 1, 2)


def channels_final(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1)
