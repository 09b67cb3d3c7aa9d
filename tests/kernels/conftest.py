"""A pass through networks on PyTorch, of which one computes as Keras does, the other by PyTorch's own kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Arrays = list[np.ndarray]
Pass = Callable[..., tuple[Arrays, Arrays]]
Check = Callable[[tuple[Arrays, Arrays], tuple[Arrays, Arrays], float], None]


@pytest.fixture(scope="session")
def torch_only(backend: str) -> None:
    if backend != "torch":
        pytest.skip("the kernels are PyTorch's")


@pytest.fixture(scope="session")
def pass_through() -> Pass:
    """Outputs, and the gradients of inputs and weights."""
    return learn


@pytest.fixture(scope="session")
def check_close() -> Check:
    """All of it, relative to the largest number of each array, or to 1."""
    return compare


def learn(model: Any, inputs: Arrays, training: bool = False) -> tuple[Arrays, Arrays]:
    """The loss is a mean in which every output has a weight of its own."""
    import keras
    import torch

    given = [torch.tensor(one, requires_grad=one.dtype == np.float32) for one in inputs]
    outputs = keras.tree.flatten(model(given if len(given) > 1 else given[0], training=training))
    rng = np.random.default_rng(1)
    weights = [torch.tensor(rng.normal(size=one.shape).astype("float32")) for one in outputs]
    loss = sum((one.float() * weight).mean() for one, weight in zip(outputs, weights, strict=True))
    over = [one for one in given if one.requires_grad] + [variable.value for variable in model.trainable_variables]
    found = torch.autograd.grad(loss, over, allow_unused=True, materialize_grads=True)
    return [one.detach().double().numpy() for one in outputs], [one.double().numpy() for one in found]


def compare(ours: tuple[Arrays, Arrays], kerass: tuple[Arrays, Arrays], tolerance: float) -> None:
    for mine, theirs in zip([*ours[0], *ours[1]], [*kerass[0], *kerass[1]], strict=True):
        largest = max(1.0, float(np.abs(theirs).max(initial=0)))
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance * largest)
