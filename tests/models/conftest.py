"""Signatures small enough to build every architecture on, and batches of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kpipe.signature import Feature, Signature, Target

FEATURES = {
    "image": Feature(name="image", kind="image", shape=(12, 10, 1), dtype="uint8", mean=(60.0,), variance=(900.0,)),
    "vector": Feature(
        name="vector", kind="vector", shape=(3,), dtype="float32", mean=(1.0, -2.0, 500.0), variance=(4.0, 0.0, 1e4)
    ),
}
TARGETS = {
    "classes": Target(task="classes", names=("cat", "dog", "owl", "yak")),
    "labels": Target(task="labels", names=("red", "round")),
    "values": Target(task="values", names=("price", "size"), mean=(1000.0, 3.0), variance=(1e6, 0.25)),
}


@pytest.fixture(scope="session")
def signature_of() -> Callable[..., Signature]:
    """A signature by kind of input and task."""
    return lambda kind="image", task="classes": Signature(inputs=(FEATURES[kind],), target=TARGETS[task])


@pytest.fixture(scope="session")
def batch_of() -> Callable[[Signature], tuple[np.ndarray, np.ndarray]]:
    """Inputs and targets as a split of a signature would give them."""
    return draw


def draw(signature: Signature, size: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    feature, target = signature.input, signature.target
    if feature.dtype == "uint8":
        inputs = rng.integers(0, 256, (size, *feature.shape), dtype=np.uint8)
    else:
        inputs = rng.normal(feature.mean, 10.0, (size, *feature.shape)).astype("float32")
    if target.task == "classes":
        return inputs, rng.integers(0, target.size, size).astype("int32")
    if target.task == "labels":
        return inputs, rng.integers(0, 2, (size, target.size)).astype("float32")
    return inputs, rng.normal(target.mean, 1.0, (size, target.size)).astype("float32")
