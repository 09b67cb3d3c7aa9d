"""Adam's step by PyTorch's fused kernel: Keras's own numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("torch_only")
SHAPES = ((5, 3), (3,), (4,))
TOLERANCE = 2e-6


def weights_after(
    kind: str, fields: dict[str, Any], quick: bool, steps: int = 6, transposed: bool = False
) -> list[np.ndarray]:
    """All that the optimizer keeps, and the weights."""
    import keras
    import torch

    from kpipe.kernels.adam import take_fused_adam

    rng = np.random.default_rng(0)
    weights = [keras.Variable(rng.normal(size=shape).astype("float32")) for shape in SHAPES]
    if transposed:  # as an orthogonal matrix may lie in memory
        weights.append(keras.Variable(torch.tensor(rng.normal(size=(24, 8)).astype("float32")).T))
        assert not weights[-1].value.is_contiguous()
    optimizer = getattr(keras.optimizers, kind)(learning_rate=0.5, **fields)
    optimizer.build(weights)
    if quick:
        take_fused_adam(optimizer)
    for _ in range(steps):
        gradients = [torch.tensor(rng.normal(0, 0.1, one.shape).astype("float32")) for one in weights]
        with torch.no_grad():
            optimizer.apply(gradients, weights)
    return [np.array(one) for one in (*weights, *optimizer.variables)]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Adam", {}),
        ("Adam", {"beta_1": 0.5, "epsilon": 1e-3, "clipnorm": 0.1}),
        ("AdamW", {"weight_decay": 0.1, "global_clipnorm": 0.2}),
        ("Adam", {"use_ema": True, "ema_overwrite_frequency": 5}),
        ("Adam", {"gradient_accumulation_steps": 3}),
        ("Adam", {"amsgrad": True}),
    ],
    ids=str,
)
def test_steps_are_kerass(kind: str, fields: dict[str, Any]) -> None:
    for mine, theirs in zip(weights_after(kind, fields, True), weights_after(kind, fields, False), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE)


def test_weights_that_lie_otherwise_in_memory_are_trained_alike() -> None:
    mine, theirs = (weights_after("Adam", {}, quick, transposed=True) for quick in (True, False))
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def test_gradients_may_lie_otherwise_in_memory() -> None:
    import keras
    import torch

    from kpipe.kernels.adam import take_fused_adam

    found = []
    for order in (lambda gradient: gradient, lambda gradient: gradient.T.contiguous().T):
        weight = keras.Variable(np.zeros((3, 4), "float32"))
        optimizer = keras.optimizers.Adam()
        optimizer.build([weight])
        take_fused_adam(optimizer)
        with torch.no_grad():
            optimizer.apply([order(torch.arange(12.0).reshape(3, 4) - 5.5)], [weight])
        found.append(np.array(weight))
    np.testing.assert_array_equal(*found)


def test_only_the_step_of_adam_is_taken() -> None:
    import keras

    from kpipe.kernels.adam import take_fused_adam

    class Mine(keras.optimizers.Adam):  # type: ignore[misc]
        pass

    for optimizer, taken in ((keras.optimizers.AdamW(), True), (keras.optimizers.Nadam(), False), (Mine(), False)):
        take_fused_adam(optimizer)
        assert ("_parallel_update_step" in vars(optimizer)) is taken
