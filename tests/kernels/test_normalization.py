"""Normalization by PyTorch's fused kernels: Keras's own numbers, and Keras's moving averages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("torch_only")
TOLERANCE = 1e-5
LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "batch": ("BatchNormalization", {"momentum": 0.7, "epsilon": 0.01}),
    "no scale": ("BatchNormalization", {"scale": False}),
    "no shift": ("BatchNormalization", {"center": False}),
    "another axis": ("BatchNormalization", {"axis": 1}),
    "frozen": ("BatchNormalization", {"trainable": False}),
    "groups": ("GroupNormalization", {"groups": 2}),
    "one group, bare": ("GroupNormalization", {"groups": 1, "scale": False, "center": False}),
}


@pytest.mark.parametrize("shape", [(4,), (5, 4), (3, 5, 4)], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_outputs_gradients_and_averages_are_kerass(
    name: str, shape: tuple[int, ...], pass_through: Any, check_close: Any
) -> None:
    import keras

    from kpipe.kernels.take import take_kernels

    kind, fields = LAYERS[name]
    ours, kerass = (keras.Sequential([keras.Input(shape), getattr(keras.layers, kind)(**fields)]) for _ in range(2))
    rng = np.random.default_rng(0)
    weights = [rng.uniform(0.5, 1.5, one.shape) for one in ours.get_weights()]
    ours.set_weights(weights)
    kerass.set_weights(weights)
    take_kernels(ours)
    assert "call" in vars(ours.layers[0])
    for number in range(3):
        inputs = [rng.normal(2.0, 3.0, (6, *shape)).astype("float32")]
        training = number < 2
        check_close(pass_through(ours, inputs, training), pass_through(kerass, inputs, training), TOLERANCE)
    for mine, theirs in zip(ours.get_weights(), kerass.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=TOLERANCE)


def test_masked_steps_are_left_to_keras(pass_through: Any, check_close: Any) -> None:
    import keras

    from kpipe.kernels.take import take_kernels

    def network() -> Any:
        x, mask = keras.Input((5, 4)), keras.Input((5,), dtype="bool")
        return keras.Model([x, mask], keras.layers.BatchNormalization()(x, mask=mask))

    ours, kerass = network(), network()
    take_kernels(ours)
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(6, 5, 4)).astype("float32"), np.arange(5)[None] < rng.integers(1, 6, (6, 1))]
    check_close(pass_through(ours, inputs, True), pass_through(kerass, inputs, True), TOLERANCE)
