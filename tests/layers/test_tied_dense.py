"""A dense layer with another's kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

INPUTS = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")


def numbers(tensor: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor))


@pytest.fixture
def model(backend: str) -> Any:
    import keras

    from kpipe.layers.tied_dense import TiedDense

    inputs = keras.Input((6,), name="inputs")
    down = keras.layers.Dense(4, name="down")
    outputs = TiedDense(6, lambda: down.kernel, name="back")(down(inputs))
    return keras.Model(inputs, outputs)


def test_it_goes_back_through_the_transposed_kernel(model: Any) -> None:
    kernel = numbers(model.get_layer("down").kernel)
    np.testing.assert_allclose(numbers(model(INPUTS)), INPUTS @ kernel @ kernel.T, atol=1e-5)
    assert [weight.path for weight in model.weights] == ["down/kernel", "down/bias", "back/bias"]
    assert model.get_layer("back").count_params() == 6


def test_one_kernel_learns_from_both_layers(model: Any) -> None:
    import keras

    model.compile(keras.optimizers.SGD(0.01), "mse", run_eagerly=False)
    kernel = numbers(model.get_layer("down").kernel).astype("float64")
    model.train_on_batch(INPUTS, INPUTS)
    exact = INPUTS.astype("float64")
    error = 2 * (exact @ kernel @ kernel.T - exact) / exact.size
    gradient = exact.T @ error @ kernel + error.T @ exact @ kernel
    np.testing.assert_allclose(numbers(model.get_layer("down").kernel), kernel - 0.01 * gradient, atol=1e-6)


def test_saved_it_is_a_layer_of_its_own_with_the_same_numbers(model: Any, tmp_path: Path) -> None:
    import keras

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(numbers(loaded(INPUTS)), numbers(model(INPUTS)), atol=1e-6)
    assert loaded.get_layer("back").count_params() == 6 + 24
