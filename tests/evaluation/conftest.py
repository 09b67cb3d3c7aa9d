"""Evidence made by hand, for metrics and pictures, without a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from kpipe.data.splits import ArraySplit
from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.forward import example_losses, probabilities
from kpipe.signature import Feature, Signature, Target


@dataclass(frozen=True)
class Row:
    """An epoch of a history."""

    epoch: int
    stage: str = "fit"
    step: int = 0
    learning_rate: float = 1e-3
    logs: dict[str, float] = field(default_factory=dict)


def rows(epochs: int, stages: int = 1) -> tuple[Row, ...]:
    return tuple(
        Row(
            epoch,
            f"stage {epoch * stages // (epochs + 1)}",
            epoch * 10,
            0.1**epoch,
            {"loss": 2 / epoch, "accuracy": 1 - 1 / epoch, "val_loss": 3 / epoch, "val_accuracy": 1 - 1.5 / epoch},
        )
        for epoch in range(1, epochs + 1)
    )


def signature_for(
    task: str, names: tuple[str, ...], shape: tuple[int, ...] = (8, 8, 1), dtype: str = "uint8"
) -> Signature:
    kind = "image" if len(shape) == 3 else "vector"
    feature = Feature.model_validate({"name": "x", "kind": kind, "shape": shape, "dtype": dtype})
    return Signature(inputs=(feature,), target=Target.model_validate({"name": "y", "task": task, "names": names}))


def evidence_from(
    task: str,
    targets: np.ndarray,
    outputs: np.ndarray,
    names: tuple[str, ...] | None = None,
    shape: tuple[int, ...] = (8, 8, 1),
    dtype: str = "uint8",
    history: tuple[Row, ...] = (),
    model: Any = None,
) -> Evidence:
    """Evidence from targets and raw outputs: logits or values."""
    names = names or tuple(str(i) for i in range(outputs.shape[1]))
    signature = signature_for(task, names, shape, dtype)
    images = np.random.default_rng(0).integers(0, 256, (len(targets), *shape)).astype(dtype)
    split = ArraySplit({"x": images, "y": targets})
    made = probabilities(outputs, signature.target.task)
    losses = example_losses(outputs, targets, signature.target.task)
    return Evidence(signature, "test", split, targets, made, losses, model, history)


def perfect(task: str, size: int = 40, outputs: int = 4) -> Evidence:
    """Predictions that are all right, and sure of it."""
    generator = np.random.default_rng(1)
    if task == "classes":
        targets = np.arange(size, dtype="int32") % outputs
        return evidence_from(task, targets, 50.0 * np.eye(outputs)[targets])
    if task == "labels":
        labels = np.float32((np.arange(size)[:, None] + np.arange(outputs)) % 3 == 0)
        return evidence_from(task, labels, 100.0 * labels - 50.0)
    values = np.float32(generator.normal(size=(size, outputs)))
    return evidence_from(task, values, values.copy())


def guessed(task: str, size: int = 40, outputs: int = 4, seed: int = 2) -> Evidence:
    """The same targets as ``perfect``, and predictions that know nothing of them."""
    generator = np.random.default_rng(seed)
    return evidence_from(task, perfect(task, size, outputs).targets, generator.normal(size=(size, outputs)))


@pytest.fixture(scope="session")
def make() -> Callable[..., Evidence]:
    return evidence_from


@pytest.fixture(scope="session")
def make_perfect() -> Callable[..., Evidence]:
    return perfect


@pytest.fixture(scope="session")
def make_guessed() -> Callable[..., Evidence]:
    return guessed


@pytest.fixture(scope="session")
def make_history() -> Callable[..., tuple[Row, ...]]:
    return rows


@pytest.fixture(scope="session")
def make_signature() -> Callable[..., Signature]:
    return signature_for
