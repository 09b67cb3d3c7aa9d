"""The arithmetic that is shown is the one Keras does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kpipe.feature_map import Window

side, small = st.integers(1, 20), st.integers(1, 5)
paddings = st.sampled_from(["same", "valid"])


@pytest.mark.parametrize(
    ("window", "arithmetic"),
    [
        (Window(8, 3, 1, "same"), "(8 + 2*1 - 3) / 1 + 1 = 8"),
        (Window(32, 5), "(32 - 5) / 1 + 1 = 28"),
        (Window(8, 4, 1, "same"), "(8 + 1 + 2 - 4) / 1 + 1 = 8"),
        (Window(8, 3, 2, "same"), "(8 + 0 + 1 - 3) / 2 + 1 = 4"),
        (Window(5, 2, 2), "floor((5 - 2) / 2) + 1 = 2"),
        (Window(9, 3, 1, "valid", 2), "(9 - (2*(3 - 1) + 1)) / 1 + 1 = 5"),
        (Window(2, 3), "(2 - 3) / 1 + 1 = 0"),
    ],
)
def test_arithmetic(window: Window, arithmetic: str) -> None:
    assert window.arithmetic == arithmetic


@given(side, small, small, paddings, small)
def test_shown_numbers_add_up(size: int, kernel: int, stride: int, padding: Any, dilation: int) -> None:
    window = Window(size, kernel, stride, padding, dilation)
    expression, result = window.arithmetic.split(" = ")
    value = eval(expression.replace("floor", "int").replace("/", "//"))
    assert value == int(result) == window.output


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 20),
    st.integers(1, 20),
    small,
    small,
    paddings,
    small,
    st.sampled_from(["conv", "separable", "pool"]),
)
def test_keras_builds_what_is_shown(
    backend: str, height: int, width: int, kernel: int, stride: int, padding: Any, dilation: int, kind: str
) -> None:
    import keras

    from kpipe.layer_words import windows_of

    assume(stride == 1 or dilation == 1)
    if kind == "pool":
        layer = keras.layers.MaxPooling2D(kernel, stride, padding)
        dilation = 1
    else:
        convolution = keras.layers.Conv2D if kind == "conv" else keras.layers.SeparableConv2D
        layer = convolution(2, kernel, stride, padding, dilation_rate=dilation)
    windows = [Window(size, kernel, stride, padding, dilation) for size in (height, width)]
    assume(all(window.output >= 1 for window in windows))
    output = layer(keras.Input((height, width, 2)))
    assert output.shape[1:3] == tuple(window.output for window in windows)
    assert windows_of(layer) == tuple(windows)


@settings(max_examples=15, deadline=None)
@given(st.integers(3, 9), small, st.integers(1, 3), st.integers(1, 2))
def test_shown_padding_is_the_padding_applied(backend: str, size: int, kernel: int, stride: int, dilation: int) -> None:
    from keras import ops

    assume(stride == 1 or dilation == 1)
    rng = np.random.default_rng(size)
    image, weights = rng.normal(size=(1, size, size, 1)), rng.normal(size=(kernel, kernel, 1, 1))
    image, weights = image.astype("float32"), weights.astype("float32")
    before, after = Window(size, kernel, stride, "same", dilation).padded
    padded = np.pad(image, ((0, 0), (before, after), (before, after), (0, 0)))
    same = ops.conv(image, weights, stride, "same", dilation_rate=dilation)
    valid = ops.conv(padded, weights, stride, "valid", dilation_rate=dilation)
    np.testing.assert_allclose(ops.convert_to_numpy(same), ops.convert_to_numpy(valid), atol=1e-5)


def test_layers_without_a_window_have_none() -> None:
    from kpipe.layer_words import windows_of

    layer: Any = SimpleNamespace(units=3)
    assert windows_of(layer) == ()
