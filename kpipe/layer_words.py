"""A Keras layer in words: what it is, the shape of its output, and the arithmetic of a sliding window."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kpipe.feature_map import Window

if TYPE_CHECKING:
    import keras

ONE_EACH = ("filters", "units", "output_dim", "rate", "groups", "factor", "height_factor", "activation", "padding")
"""Settings shown by their value alone, where a layer has them and they say something."""

SAYS_NOTHING = (("groups", 1), ("groups", -1))

STEPS = {"strides": "stride", "dilation_rate": "dilation", "depth_multiplier": "multiplier"}
"""Settings shown with a word, where they are not 1."""


def describe(layer: keras.Layer) -> str:
    """``conv 3x3, 32, same, stride 2``, ``batch normalization``, ``dense 10``.

    Reads attributes: ``get_config`` would import TensorFlow, whatever the backend.
    """
    if hasattr(layer, "forward_layer"):
        return f"bidirectional {describe(layer.forward_layer)}"
    kind = type(layer).__name__
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", kind.removesuffix("2D")).lower().removesuffix(" layer")
    details = ["x".join(map(str, window))] if (window := window_of(layer)) else []
    if kind == "Resizing":
        details.append(f"{layer.height}x{layer.width}")
    for name in ONE_EACH:
        value = getattr(layer, name, None)
        if value is not None and (name, value) not in SAYS_NOTHING and not hasattr(layer, "pool_size"):
            text = plain(value, getattr(layer, "value_range", None) if kind == "RandomBrightness" else None)
            details += [text] if text != "linear" else []
    for name, word in STEPS.items():
        steps = {*sides(getattr(layer, name, None))} - {1}
        details += [f"{word} {step}" for step in sorted(steps) if not hasattr(layer, "pool_size")]
    return f"{words} {', '.join(details)}".strip()


def window_of(layer: keras.Layer) -> tuple[int, ...]:
    """What slides over the input, if anything does."""
    return sides(getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None))


def plain(value: Any, value_range: tuple[float, float] | None = None) -> str:
    """``(-0.1, 0.1)`` of a random layer is ``0.1`` to whoever wrote 0.1; brightness is a fraction of its range."""
    if callable(value):
        return str(value.__name__)
    if isinstance(value, (list, tuple)):
        value = max(value)
    if value_range is not None:
        value *= value_range[1] - value_range[0]
    return f"{value:g}" if isinstance(value, float) else str(value)


def shape_of(layer: keras.Layer) -> tuple[int | None, ...]:
    """The shape of one example's output."""
    output = layer.output
    return tuple((output[0] if isinstance(output, (list, tuple)) else output).shape[1:])


def shape_words(shape: Sequence[int | None]) -> str:
    """``(8, 8, 1)``, ``(time, 64)``: a side of any length is time."""
    return f"({', '.join('time' if side is None else str(side) for side in shape)})"


def arithmetic(layer: keras.Layer) -> str:
    """``(8 + 2*1 - 3) / 1 + 1 = 8`` of a convolution or pooling, each side apart where they differ; else nothing."""
    windows = windows_of(layer)
    lines = [window.arithmetic for window in windows]
    if len(set(lines)) <= 1:
        return lines[0] if lines else ""
    names = ("height", "width") if len(lines) == 2 else tuple(f"side {number}" for number in range(1, len(lines) + 1))
    return "\n".join(f"{name} {line}" for name, line in zip(names, lines, strict=True))


def windows_of(layer: keras.Layer) -> tuple[Window, ...]:
    """The window that slides along each side of the layer's input; none where nothing slides."""
    kernels, padding = window_of(layer), getattr(layer, "padding", None)
    if not kernels or padding not in ("same", "valid") or "Transpose" in type(layer).__name__:
        return ()
    first = 2 if layer.data_format == "channels_first" else 1
    inputs = layer.input.shape[first : first + len(kernels)]
    strides = sides(layer.strides, len(kernels))
    dilations = sides(getattr(layer, "dilation_rate", 1), len(kernels))
    return tuple(
        Window(size, kernel, stride, padding, dilation)
        for size, kernel, stride, dilation in zip(inputs, kernels, strides, dilations, strict=True)
    )


def sides(value: int | list[int] | tuple[int, ...] | None, number: int = 1) -> tuple[int, ...]:
    """One number for each side."""
    if value is None:
        return ()
    return (value,) * number if isinstance(value, int) else tuple(value)
