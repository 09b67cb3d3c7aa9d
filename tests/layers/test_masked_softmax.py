"""The softmax of what is there, alone and in the layers that attend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def numbers(tensor: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor), "float64")


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


THERE = np.array([[True, True, False, True], [False, False, False, False]])


def test_it_is_the_softmax_of_what_is_there(backend: str) -> None:
    from kpipe.layers.masked_softmax import masked_softmax

    scores = drawn(2, 4) * 30
    kept = np.exp(scores[0] - scores[0].max()) * THERE[0]
    np.testing.assert_allclose(numbers(masked_softmax(scores, THERE)), [kept / kept.sum(), np.zeros(4)], atol=1e-6)
    np.testing.assert_allclose(numbers(masked_softmax(scores)).sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("precision", ["float16", "bfloat16", "float32"])
def test_its_weights_are_float32(backend: str, precision: str) -> None:
    import keras

    from kpipe.layers.masked_softmax import masked_softmax

    for there in (None, THERE):
        weights = masked_softmax(keras.ops.cast(drawn(2, 4), precision), there)
        assert keras.backend.standardize_dtype(weights.dtype) == "float32"


def test_no_gradient_goes_to_what_is_not_there(backend: str) -> None:
    import keras

    from kpipe.evaluation.gradients import gradients
    from kpipe.layers.masked_softmax import masked_softmax

    scores = keras.Input((4,))
    weights = keras.layers.Lambda(lambda x: masked_softmax(x, keras.ops.convert_to_tensor(THERE)), output_shape=(4,))
    slopes = gradients(keras.Model(scores, weights(scores)), drawn(2, 4), np.zeros(2, "int32"))
    assert (slopes[~THERE] == 0).all()
    assert (slopes[THERE] != 0).all()


def test_layers_that_attend_give_zeros_where_nothing_is_there(backend: str) -> None:
    from kpipe.layers.alignment import Alignment
    from kpipe.layers.attention_pooling import AttentionPooling

    memory = drawn(2, 4, 3)
    pooled, weights = AttentionPooling(5)(memory, THERE)
    assert (numbers(pooled)[1] == 0).all()
    np.testing.assert_allclose(numbers(weights).sum(-1)[:, 0, 0], [1, 0], atol=1e-6)
    layer = Alignment(3, "dot")
    context, weights = layer(drawn(2, 2, 3), memory, memory, THERE)
    assert (numbers(context)[1] == 0).all()
    np.testing.assert_allclose(numbers(weights).sum(-1), [[1, 1], [0, 0]], atol=1e-6)
