"""What Keras's layers draw in training: computed once, and the same on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

FIRST = "1110011101111100100111101111111110110011"
CHANNELS = "1100011101000000100011001111001110100011"
RECURRENT = 0.38261017
AUGMENTED = {
    "RandomFlip": 0.50554367,
    "RandomRotation": 0.50623084,
    "RandomTranslation": 0.49561303,
    "RandomZoom": 0.50960809,
    "RandomBrightness": 0.64200196,
    "RandomContrast": 0.50556625,
}
"""What was drawn once: which are kept, and weighed sums."""

INPUTS = np.random.default_rng(0).uniform(0.5, 1.0, (40, 30, 8)).astype("float32")


def drawn(layer: Any, inputs: np.ndarray = INPUTS, state: tuple[int, int] = (987_654_321, 4)) -> np.ndarray:
    """What the layer gives in training from this state of its seed generators on."""
    import keras

    from kpipe.training.loop.chance import same_on_every_backend

    layer(inputs)
    for one in layer._flatten_layers():
        for generator in one._seed_generators:
            generator.state.assign(np.array(state))
    with same_on_every_backend():
        return np.array(keras.ops.convert_to_numpy(layer(inputs, training=True)))


def weighed(array: np.ndarray) -> float:
    """A sum in which every place counts differently."""
    return float((array.astype("float64").ravel() * np.linspace(0.5, 1.5, array.size)).mean())


def test_dropout_drops_as_many_as_it_says_and_the_same_everywhere(backend: str) -> None:
    import keras

    found = drawn(keras.layers.Dropout(0.3))
    assert (found == 0).mean() == pytest.approx(0.3, abs=0.015)
    kept = found != 0
    np.testing.assert_allclose(found[kept], INPUTS[kept] / 0.7, rtol=1e-6)
    assert "".join(map(str, kept.ravel()[:40].astype(int))) == FIRST
    assert (drawn(keras.layers.Dropout(0.3), state=(987_654_321, 5)) != found).any()


def test_spatial_dropout_drops_whole_channels(backend: str) -> None:
    import keras

    kept = drawn(keras.layers.SpatialDropout1D(0.5)) != 0
    assert (kept == kept[:, :1]).all()
    assert 0.4 < kept.mean() < 0.6
    assert "".join(map(str, kept[:5, 0].ravel().astype(int))) == CHANNELS


def test_recurrent_dropout_is_the_same_everywhere(backend: str) -> None:
    import keras

    layer = keras.layers.LSTM(
        4, kernel_initializer="ones", recurrent_initializer="ones", dropout=0.4, recurrent_dropout=0.4, seed=1
    )
    assert weighed(drawn(layer, INPUTS[:, :2] - 0.7)) == pytest.approx(RECURRENT, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("RandomFlip", {"mode": "horizontal"}),
        ("RandomRotation", {"factor": 0.2}),
        ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2}),
        ("RandomZoom", {"height_factor": 0.2}),
        ("RandomBrightness", {"factor": 0.5, "value_range": (0, 1)}),
        ("RandomContrast", {"factor": (0.5, 0.5), "value_range": (0, 1)}),
    ],
)
def test_augmentation_is_the_same_everywhere(backend: str, name: str, settings: dict[str, Any]) -> None:
    import keras

    images = np.random.default_rng(1).uniform(0.2, 0.8, (16, 9, 9, 1)).astype("float32")
    layer = getattr(keras.layers, name)(**settings)
    assert weighed(drawn(layer, images)) == pytest.approx(AUGMENTED[name], abs=2e-6)


def test_what_has_no_generator_and_what_is_not_trained_stays_with_keras(backend: str) -> None:
    import keras
    from keras.src.backend import random

    from kpipe.training.loop.chance import same_on_every_backend

    before = random.dropout, random.uniform
    with same_on_every_backend():
        assert (random.dropout, random.uniform) != before
        inputs = keras.ops.convert_to_tensor(INPUTS)
        kept = np.array(keras.ops.convert_to_numpy(keras.random.dropout(inputs, 0.5, seed=3)))
        assert 0.4 < (kept != 0).mean() < 0.6
        assert keras.random.uniform((3,), seed=3).shape == (3,)
    assert (random.dropout, random.uniform) == before


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_drops_the_same(backend: str, dtype: str) -> None:
    import keras

    found = drawn(keras.layers.Dropout(0.3, dtype=dtype))
    assert ((found != 0) == (drawn(keras.layers.Dropout(0.3)) != 0)).all()
