"""Group normalization by PyTorch's fused kernel: Keras's own numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("torch_only")
TOLERANCE = 1e-5
LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "groups": ("GroupNormalization", {"groups": 2}),
    "one group, bare": ("GroupNormalization", {"groups": 1, "scale": False, "center": False}),
}


@pytest.mark.parametrize("shape", [(4,), (5, 4), (3, 5, 4)], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_outputs_and_gradients_are_kerass(
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


def test_batch_normalization_is_left_to_keras() -> None:
    import keras

    from kpipe.kernels.take import take_kernels

    model = keras.Sequential([keras.Input((5, 4)), keras.layers.BatchNormalization()])
    take_kernels(model)
    assert "call" not in vars(model.layers[0])
