"""Damage to numbers: what it does to them, how often, and when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def damaged(layer: Any, inputs: np.ndarray, training: bool = True) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(layer(inputs, training=training)))


@pytest.fixture
def inputs() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.2, 0.8, (100, 10, 10, 1)).astype("float32")


def test_masking_sets_some_to_zero_and_leaves_the_others(backend: str, inputs: np.ndarray) -> None:
    from kpipe.layers.corruption import Corruption

    found = damaged(Corruption("masking", 0.3), inputs)
    assert (found == 0).mean() == pytest.approx(0.3, abs=0.02)
    assert (found[found != 0] == inputs[found != 0]).all()


def test_salt_and_pepper_sets_as_many_to_the_lowest_as_to_the_highest(backend: str, inputs: np.ndarray) -> None:
    from kpipe.layers.corruption import Corruption

    found = damaged(Corruption("salt_and_pepper", 0.4, low=-2.0, high=2.0), inputs)
    assert [(found == one).mean() for one in (-2.0, 2.0)] == pytest.approx([0.2, 0.2], abs=0.02)
    assert (found[np.abs(found) < 2] == inputs[np.abs(found) < 2]).all()


def test_gaussian_adds_noise_of_its_deviation(backend: str, inputs: np.ndarray) -> None:
    from kpipe.layers.corruption import Corruption

    noise = damaged(Corruption("gaussian", 0.5), inputs) - inputs
    assert noise.std() == pytest.approx(0.5, rel=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("kind", ["masking", "gaussian", "salt_and_pepper"])
def test_only_in_training_anew_each_time_and_by_the_seed(backend: str, inputs: np.ndarray, kind: str) -> None:
    from kpipe.layers.corruption import Corruption

    layer = Corruption(kind, 0.3, seed=5)
    assert (damaged(layer, inputs, training=False) == inputs).all()
    first, second = damaged(layer, inputs), damaged(layer, inputs)
    assert (first != second).any()
    again = Corruption.from_config(layer.get_config())
    assert (damaged(again, inputs) == first).all()


@pytest.mark.parametrize(
    ("kind", "total"), [("masking", 1744.04405979), ("gaussian", 2509.59354858), ("salt_and_pepper", 1787.08825979)]
)
def test_the_same_damage_on_every_backend(backend: str, inputs: np.ndarray, kind: str, total: float) -> None:
    """What a second call gives, added up: a number that was computed once and holds everywhere."""
    import keras

    from kpipe.layers.corruption import Corruption

    layer = Corruption(kind, 0.3, low=-2.0, high=2.0)
    layer.generator.state.assign(np.array([987_654_321, 0]))
    damaged(layer, inputs)
    places = np.arange(1, inputs.size + 1).reshape(inputs.shape) / inputs.size
    found = (damaged(layer, inputs).astype("float64") * places).sum()
    assert found == pytest.approx(total, abs=1e-3 if kind == "gaussian" else 1e-8)
    assert (keras.ops.convert_to_numpy(layer.generator.state) == [987_654_321, 2]).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_precisions_are_damaged_in_the_same_places(backend: str, inputs: np.ndarray, dtype: str) -> None:
    from kpipe.layers.corruption import Corruption

    if backend == "jax" and dtype == "float64":
        pytest.skip("JAX has float64 only when it is told so before it starts")
    exact = damaged(Corruption("masking", 0.3, seed=3), inputs)
    found = damaged(Corruption("masking", 0.3, seed=3, dtype=dtype), inputs)
    assert ((found == 0) == (exact == 0)).all()
