"""Positions, feed-forward layers, blocks, patches, pooling: each against its formula in NumPy."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

from kpipe.errors import WrongInput


def numbers(tensor: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor))


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_sinusoidal_positions_are_those_of_the_paper(backend: str) -> None:
    from kpipe.layers.sinusoidal import Sinusoidal

    added = numbers(Sinusoidal()(np.zeros((2, 5, 6), "float32"), first=3))
    for position, feature in np.ndindex(5, 6):
        angle = (3 + position) / 10_000 ** (2 * (feature // 2) / 6)
        expected = np.sin(angle) if feature % 2 == 0 else np.cos(angle)
        assert added[:, position, feature] == pytest.approx(expected, abs=1e-5)


def test_learned_positions_end_where_training_ended(backend: str) -> None:
    from kpipe.layers.learned import Learned

    layer = Learned(6)
    added = numbers(layer(np.zeros((2, 6, 4), "float32")))
    np.testing.assert_allclose(added[0], numbers(layer.vectors))
    np.testing.assert_allclose(numbers(layer(np.zeros((2, 1, 4), "float32"), first=5))[:, 0], added[:, 5])
    with pytest.raises(WrongInput, match=r"7 steps, .* end at 6"):
        layer(np.zeros((2, 7, 4), "float32"))


@pytest.mark.parametrize("activation", ["relu", "gelu", "swiglu"])
def test_feed_forward_is_its_formula(backend: str, activation: str) -> None:
    from math import erf

    from kpipe.layers.feed_forward import FeedForward

    layer, x = FeedForward(10, activation), drawn(2, 3, 4)
    found = numbers(layer(x))
    inner, outer = x @ numbers(layer.inner.kernel), numbers(layer.outer.kernel)
    if activation == "swiglu":
        gate = x @ numbers(layer.gate.kernel)
        expected = (gate / (1 + np.exp(-gate)) * inner) @ outer
        assert layer.count_params() == 3 * 4 * 10
    else:
        curved = (
            np.maximum(inner, 0) if activation == "relu" else inner * (1 + np.vectorize(erf)(inner / np.sqrt(2))) / 2
        )
        expected = curved @ outer
        assert layer.count_params() == 4 * 10 + 10 + 10 * 4 + 4
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_norm_stands_before_or_after(backend: str) -> None:
    import keras

    from kpipe.layers.residual import Residual

    x, given = drawn(2, 3, 8), drawn(3, 3, 8)[1:]
    normal = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
    pre, post = Residual("pre"), Residual("post")
    for layer in (pre, post):
        layer.build(x.shape)
    one, other = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(given)
    np.testing.assert_allclose(numbers(pre.enter(one)), normal, atol=1e-4)
    np.testing.assert_allclose(numbers(pre.leave(one, other)), x + given, atol=1e-6)
    np.testing.assert_allclose(numbers(post.enter(one)), x)
    after = numbers(post.leave(one, other))
    np.testing.assert_allclose(after.mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(after.std(-1), 1, atol=1e-4)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_padding_changes_nothing_in_an_encoder(backend: str, norm: str) -> None:
    from kpipe.layers.encoder_block import EncoderBlock

    block, x = EncoderBlock(2, 12, norm=norm), drawn(2, 6, 8)
    valid = np.array([[True] * 4 + [False] * 2, [True] * 6])
    whole, weights = block(x, valid)
    np.testing.assert_allclose(numbers(whole)[0, :4], numbers(block(x[:1, :4], valid[:1, :4])[0])[0], atol=1e-5)
    assert (numbers(weights)[0, :, :, 4:] == 0).all()


def test_a_decoder_sees_nothing_of_what_comes_after(backend: str) -> None:
    from kpipe.layers.decoder_block import DecoderBlock

    block, x, memory = DecoderBlock(2, 12, cross=True), drawn(2, 6, 8), drawn(2, 4, 8)
    other = x.copy()
    other[:, 3:] += 1.0
    one, another = numbers(block(x, memory)[0]), numbers(block(other, memory)[0])
    np.testing.assert_allclose(one[:, :3], another[:, :3], atol=1e-6)
    assert np.abs(one[:, 3:] - another[:, 3:]).max() > 0.1


def test_patches_are_cut_row_by_row(backend: str) -> None:
    from kpipe.layers.patches import Patches

    images = drawn(2, 4, 6, 3)
    found = numbers(Patches(2)(images))
    assert found.shape == (2, 6, 12)
    for row, column in np.ndindex(2, 3):
        square = images[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        np.testing.assert_array_equal(found[:, 3 * row + column], square.reshape(2, -1))


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pooling_leaves_padding_out(backend: str, how: Literal["mean", "max"]) -> None:
    from kpipe.layers.masked_pooling import MaskedPooling

    x = drawn(3, 5, 4)
    valid = np.arange(5) < np.array([[5], [2], [0]])
    found, pooled = numbers(MaskedPooling(how)(x, valid)), np.mean if how == "mean" else np.max
    np.testing.assert_allclose(found[0], pooled(x[0], axis=0), atol=1e-6)
    np.testing.assert_allclose(found[1], pooled(x[1, :2], axis=0), atol=1e-6)
    assert (found[2] == 0).all()
    np.testing.assert_allclose(numbers(MaskedPooling(how)(x)), pooled(x, axis=1), atol=1e-6)


@pytest.mark.parametrize(("precision", "height"), [("mixed_bfloat16", 3.0), ("mixed_float16", 300.0)])
def test_a_mean_of_many_steps_is_exact(backend: str, precision: str, height: float) -> None:
    import keras

    from kpipe.layers.masked_pooling import MaskedPooling

    steps = 1027  # no number of bfloat16, and 300 times that is none of float16
    x = keras.ops.cast(np.full((1, steps + 5, 2), height, "float32"), precision.removeprefix("mixed_"))
    found = MaskedPooling("mean", dtype=precision)(x, np.arange(steps + 5)[None] < steps)
    assert (numbers(found) == height).all()


def test_a_class_token_comes_first_and_is_there(backend: str) -> None:
    from kpipe.layers.class_token import ClassToken

    layer, x = ClassToken(), drawn(2, 3, 4)
    longer, valid = layer(x, np.zeros((2, 3), bool))
    np.testing.assert_allclose(numbers(longer)[:, 1:], x)
    assert (numbers(longer)[0, 0] == numbers(layer.vector)[0, 0]).all()
    assert numbers(valid).tolist() == [[True, False, False, False]] * 2


def test_scores_are_products_with_the_embedding(backend: str) -> None:
    from kpipe.layers.token_embedding import TokenEmbedding
    from kpipe.layers.token_scores import TokenScores

    embedding = TokenEmbedding(7, 4)
    vectors, table = embedding(np.array([[1, 6]], "int32"))
    np.testing.assert_allclose(numbers(vectors)[0], 2 * numbers(table)[[1, 6]], atol=1e-6)
    x = drawn(1, 2, 4)
    np.testing.assert_allclose(numbers(TokenScores()(x, table)), x @ numbers(table).T, atol=1e-5)
