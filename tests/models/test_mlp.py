"""The dense network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kpipe.models.mlp import MLP


def mlp(**fields: Any) -> MLP:
    return MLP.model_validate({"type": "mlp", **fields})


def outputs(model: Any, inputs: np.ndarray) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(model(inputs)))


def test_layers_follow_the_fields(backend: str, signature_of: Any) -> None:
    model = mlp(units=[8, 4], normalization="layer", dropout=0.5, activation="tanh").build(signature_of("vector"))
    assert [layer.name for layer in model.layers] == [
        "vector", "standardize", "dense1", "norm1", "activation1", "dropout1",
        "dense2", "norm2", "activation2", "dropout2", "target",
    ]  # fmt: skip
    assert model.count_params() == (3 * 8 + 8) + 2 * 8 + (8 * 4 + 4) + 2 * 4 + (4 * 4 + 4)


def test_values_begin_at_their_mean_in_their_own_unit(backend: str, signature_of: Any) -> None:
    model = mlp(units=[16]).build(signature_of("vector", "values"))
    found = outputs(model, np.array([[1.0, -2.0, 500.0]], "float32"))  # all inputs at their means: the network gives 0
    np.testing.assert_allclose(found, [[1000.0, 3.0]], rtol=1e-6)
    spread = outputs(model, np.random.default_rng(0).normal((1, -2, 500), (2, 1, 100), (200, 3)).astype("float32"))
    assert 100 < spread[:, 0].std() < 10_000
    assert 0.05 < spread[:, 1].std() < 5


def test_a_constant_feature_is_shifted_not_blown_up(backend: str, signature_of: Any) -> None:
    model = mlp(units=[]).build(signature_of("vector"))
    assert np.abs(outputs(model, np.array([[1.0, 0.0, 500.0]], "float32"))).max() < 100


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_no_units_is_a_linear_model(backend: str, signature_of: Any, normalization: str) -> None:
    model = mlp(units=[], normalization=normalization, weight_decay=0.1).build(signature_of("vector"))
    assert model.count_params() == 3 * 4 + 4
    (penalty,) = model.losses
    import keras

    kernel = np.array(keras.ops.convert_to_numpy(model.get_layer("target").kernel))
    assert float(keras.ops.convert_to_numpy(penalty)) == pytest.approx(0.1 * float((kernel**2).sum()), rel=1e-5)
