"""Where Keras differs between backends, what kpipe does instead does not; each test shows that its remedy is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

IDS = np.array([[1, 1, 2, 1], [2, 2, 2, 0], [1, 3, 3, 1]], "int32")
WANTED = np.array([[1.0], [-1.0], [0.5]], "float32")
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "Adam": {},
    "AdamW": {"weight_decay": 0.01},
    "RMSprop": {},
    "Adagrad": {},
    "SGD": {"global_clipnorm": 0.05},
}


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def table_after_training(optimizer: str, by_product: bool) -> np.ndarray:
    """The vectors of four tokens after some steps: looked up, or, with the same numbers, by a product."""
    import keras

    from kpipe.training.loop.compiling import compile_model

    inputs = keras.Input((4, 4) if by_product else (4,), dtype="float32" if by_product else "int32")
    table = keras.layers.Dense(3, use_bias=False) if by_product else keras.layers.Embedding(4, 3)
    head = keras.layers.Dense(1)
    model = keras.Model(inputs, head(keras.layers.GlobalAveragePooling1D()(table(inputs))))
    table.set_weights([drawn(4, 3)])
    head.set_weights([drawn(3, 1), np.zeros(1)])
    chosen = getattr(keras.optimizers, optimizer)(learning_rate=0.05, **OPTIMIZERS[optimizer])
    compile_model(model, chosen, keras.losses.MeanSquaredError(), [])
    for _ in range(10):
        model.train_on_batch(np.eye(4, dtype="float32")[IDS] if by_product else IDS, WANTED)
    return np.array(table.get_weights()[0])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_token_that_comes_twice_has_one_gradient(
    backend: str, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kpipe.training.loop import compiling

    right = table_after_training(optimizer, by_product=True)
    np.testing.assert_allclose(table_after_training(optimizer, by_product=False), right, atol=1e-6)
    if backend == "tensorflow":
        monkeypatch.setattr(compiling, "make_gradients_dense", lambda optimizer: None)
        assert abs(table_after_training(optimizer, by_product=False) - right).max() > 1e-4


def gradients_of_attention(rows: slice) -> dict[str, np.ndarray]:
    """Of an attention's kernels, on two examples of which the first has nothing to look at."""
    import keras

    from kpipe.layers.attention import Attention
    from kpipe.parity.gradients import gradients_of
    from kpipe.training.loop.compiling import compile_model

    queries, allowed = keras.Input((4, 6), name="queries"), keras.Input((4, 4), dtype="bool", name="allowed")
    layer = Attention(2, name="attention")
    mixed, _ = layer(queries, queries, allowed)
    model = keras.Model([queries, allowed], keras.layers.Flatten()(mixed))
    for number, kernel in enumerate(layer.weights):
        kernel.assign(np.random.default_rng(number).normal(size=kernel.shape))
    compile_model(model, keras.optimizers.SGD(), keras.losses.MeanSquaredError(), [])
    there = np.ones((2, 4, 4), bool)
    there[0], there[1, :, 3] = False, False
    return gradients_of(model, ([drawn(2, 4, 6)[rows], there[rows]], np.zeros((2, 24), "float32")[rows]))


def softmax_of_finite_scores(scores: Any, there: Any) -> Any:
    """What Keras's attention does with a mask: where nothing is there, everything is, alike."""
    from keras import ops

    return ops.softmax(ops.where(there, scores, -1e9), axis=-1)


def test_a_row_with_nothing_to_look_at_has_no_part_in_gradients(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def differences() -> list[float]:
        both, second = gradients_of_attention(slice(0, 2)), gradients_of_attention(slice(1, 2))
        return [abs(both[name] - second[name] / 2).max() for name in both]  # the loss is the mean over the rows

    assert max(differences()) < 1e-6
    monkeypatch.setattr("kpipe.layers.attention.masked_softmax", softmax_of_finite_scores)
    assert max(differences()) > 1e-3


def classifier() -> Callable[[np.ndarray], np.ndarray]:
    """A Transformer of two blocks that reads tokens, all its weights drawn anew but the same."""
    import keras

    from kpipe.layers.encoder_block import EncoderBlock
    from kpipe.layers.masked_pooling import MaskedPooling
    from kpipe.layers.token_embedding import TokenEmbedding
    from kpipe.layers.token_mask import TokenMask

    tokens = keras.Input((None,), dtype="int32")
    valid, (x, _) = TokenMask()(tokens), TokenEmbedding(9, 8)(tokens)
    for _ in range(2):
        x, _ = EncoderBlock(2, 16)(x, valid)
    model = keras.Model(tokens, MaskedPooling("mean")(x, valid))
    for number, weight in enumerate(model.weights):
        weight.assign(np.random.default_rng(number).normal(size=weight.shape))
    return lambda given: np.array(keras.ops.convert_to_numpy(model(given, training=False)))


def test_padding_leaks_into_no_token_in_the_second_block(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from kpipe.layers.encoder_block import EncoderBlock

    short = np.array([[5, 6, 7], [8, 5, 5]], "int32")
    padded = np.pad(short, ((0, 0), (0, 3)))
    answer = classifier()
    np.testing.assert_allclose(answer(padded), answer(short), atol=1e-5)

    call = EncoderBlock.call
    monkeypatch.setattr(EncoderBlock, "call", lambda self, x, valid=None: call(self, x, None))  # the mask is stripped
    answer = classifier()
    assert abs(answer(padded) - answer(short)).max() > 1e-2
