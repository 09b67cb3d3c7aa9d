"""Attention: against the formula in NumPy, masks, rotary positions, and the cache."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def numbers(tensor: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor), "float64")


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def built(width: int = 8, heads: int = 2, rotary: bool = False) -> Any:
    from kpipe.layers.attention import Attention

    layer = Attention(heads, rotary)
    layer.build((None, None, width))
    return layer


def by_hand(layer: Any, queries: np.ndarray, memory: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Example by example, head by head, query by query, over the keys that are allowed alone."""
    q, k, v = (
        x @ numbers(part.kernel)
        for x, part in zip((queries, memory, memory), (layer.query, layer.key, layer.value), strict=True)
    )
    size = q.shape[-1] // layer.num_heads
    found = np.zeros_like(q)
    for example, row in np.ndindex(q.shape[:2]):
        keys = np.flatnonzero(allowed[example, row])
        for head in range(layer.num_heads) if len(keys) else ():
            part = slice(head * size, (head + 1) * size)
            scores = k[example, keys, part] @ q[example, row, part] / np.sqrt(size)
            weights = np.exp(scores) / np.exp(scores).sum()
            found[example, row, part] = weights @ v[example, keys, part]
    return found @ numbers(layer.combined.kernel)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_it_is_the_formula_over_what_is_allowed(backend: str, heads: int) -> None:
    layer = built(heads=heads)
    queries, memory = drawn(3, 5, 8), drawn(3, 7, 8)
    allowed = np.random.default_rng(1).random((3, 5, 7)) < 0.5
    allowed[0, 1] = False
    mixed, weights = layer(queries, memory, allowed)
    np.testing.assert_allclose(numbers(mixed), by_hand(layer, queries, memory, allowed), atol=1e-5)
    expected = np.broadcast_to(allowed.any(-1)[:, None], weights.shape[:3])
    np.testing.assert_allclose(numbers(weights).sum(-1), expected, atol=1e-6)
    assert (numbers(weights)[~np.broadcast_to(allowed[:, None], weights.shape)] == 0).all()


def test_a_query_that_may_look_nowhere_gets_zeros_and_no_gradient(backend: str) -> None:
    import keras

    from kpipe.evaluation.gradients import gradients

    layer, nowhere = built(), np.zeros((1, 4, 4), bool)
    assert (numbers(layer(drawn(2, 4, 8), drawn(2, 4, 8), nowhere)[0]) == 0).all()
    alone = keras.Input((4, 8))
    mixed, _ = layer(alone, alone, keras.ops.convert_to_tensor(nowhere))
    total = keras.layers.Flatten()(mixed)
    slopes = gradients(keras.Model(alone, total), drawn(2, 4, 8), np.zeros(2, "int32"))
    assert (slopes == 0).all()


def test_rotary_scores_depend_on_distances_alone(backend: str) -> None:
    import keras

    from kpipe.layers.attention import rotated

    one, other = (keras.ops.convert_to_tensor(x) for x in np.split(drawn(2, 1, 1, 6), 2))
    products = {
        (at, at + 3): float((numbers(rotated(one, at)) * numbers(rotated(other, at + 3))).sum()) for at in (0, 1, 7)
    }
    assert max(products.values()) - min(products.values()) < 1e-5
    np.testing.assert_allclose(numbers(rotated(one, 0)), numbers(one), atol=1e-6)
    long = numbers(rotated(keras.ops.repeat(one, 4, axis=2), 2))
    np.testing.assert_allclose(long[:, :, 1:2], numbers(rotated(one, 3)), atol=1e-6)


@pytest.mark.parametrize("rotary", [False, True])
def test_steps_with_a_cache_are_the_whole_at_once(backend: str, rotary: bool) -> None:
    layer, x = built(rotary=rotary), drawn(2, 5, 8)
    causal = np.tril(np.ones((1, 5, 5), bool))
    whole = numbers(layer(x, x, causal)[0])
    cache = layer.empty_cache(2, 7)
    for step in range(5):
        mixed, weights, cache = layer.step(x[:, step : step + 1], cache, step)
        np.testing.assert_allclose(numbers(mixed)[:, 0], whole[:, step], atol=1e-5)
        assert (numbers(weights)[..., step + 1 :] == 0).all()


def test_weights_are_float32_at_any_precision(backend: str) -> None:
    import keras

    from kpipe.layers.attention import Attention

    mixed, weights = Attention(2, dtype="mixed_bfloat16")(drawn(2, 3, 8), drawn(2, 3, 8))
    assert keras.backend.standardize_dtype(weights.dtype) == "float32"
    assert keras.backend.standardize_dtype(mixed.dtype) == "bfloat16"
