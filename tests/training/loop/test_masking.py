"""Losses and metrics that look away where there is no target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpipe.signature import Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.vocabulary import Vocabulary

VOCABULARY = Vocabulary.learn(Characters(), ["abc"])
TARGETS = {
    "classes": Target(task="classes", names=("a", "b", "c")),
    "labels": Target(task="labels", names=("a", "b")),
    "values": Target(task="values", names=("x", "y"), mean=(0.0, 0.0), variance=(4.0, 9.0)),
    "tags": Target(task="tags", names=("a", "b", "c")),
    "text": Target(task="text", vocabulary=VOCABULARY),
}


def drawn(target: Target, examples: int, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Targets and outputs of so many examples, all there."""
    rng = np.random.default_rng(seed)
    shape = (examples, steps) if target.is_per_step else (examples,)
    if target.is_discrete:
        return rng.integers(0, target.size, shape).astype("int32"), rng.normal(size=(*shape, target.size))
    numbers = rng.integers(0, 2, (examples, target.size)) if target.task == "labels" else rng.normal(size=(examples, 2))
    return numbers.astype("float32"), rng.normal(size=(examples, target.size))


def filled(target: Target, truth: np.ndarray, outputs: np.ndarray, rows: int, steps: int, seed: int) -> Any:
    """More rows, and more steps, without targets, with whatever outputs."""
    nothing = -1 if target.is_discrete else np.nan
    wide = ((0, rows), (0, steps)) if target.is_per_step else ((0, rows), *[(0, 0)] * (truth.ndim - 1))
    more_truth = np.pad(truth, wide, constant_values=nothing)
    more_outputs = np.random.default_rng(seed).normal(size=(*more_truth.shape[: outputs.ndim - 1], outputs.shape[-1]))
    more_outputs[tuple(slice(0, side) for side in outputs.shape)] = outputs
    return more_truth, more_outputs.astype("float32")


@pytest.mark.parametrize("task", TARGETS)
@settings(max_examples=12, deadline=None)
@given(
    examples=st.sampled_from([1, 4]),  # few shapes: JAX compiles for each
    length=st.sampled_from([1, 5]),
    rows=st.sampled_from([0, 3]),
    steps=st.sampled_from([0, 4]),
    smoothing=st.sampled_from([0.0, 0.1]),
    seed=st.integers(0, 99),
)
def test_what_is_filled_up_changes_neither_loss_nor_metric(
    backend: str, task: str, examples: int, length: int, rows: int, steps: int, smoothing: float, seed: int
) -> None:
    from kpipe.training.loop.losses import loss_of, metrics_of
    from kpipe.training.loop.masking import MaskedLoss, MaskedMetric

    target = TARGETS[task]
    truth, outputs = drawn(target, examples, length, seed)
    more = filled(target, truth, outputs, rows, steps, seed)
    plain = loss_of(target, smoothing)
    masked = MaskedLoss(plain, target.is_discrete)
    expected = float(plain(truth, outputs.astype("float32")))
    assert float(masked(truth, outputs.astype("float32"))) == pytest.approx(expected, rel=1e-5)
    assert float(masked(*more)) == pytest.approx(expected, rel=1e-5)
    (metric,), (again,) = metrics_of(target), metrics_of(target)
    metric.update_state(truth, outputs.astype("float32"))
    wrapped = MaskedMetric(again, target.is_discrete)
    wrapped.update_state(*more)
    assert float(wrapped.result()) == pytest.approx(float(metric.result()), rel=1e-5)


@pytest.mark.parametrize("task", TARGETS)
def test_nothing_there_is_a_loss_of_zero(backend: str, task: str) -> None:
    from kpipe.training.loop.losses import loss_of
    from kpipe.training.loop.masking import MaskedLoss

    target = TARGETS[task]
    truth, outputs = drawn(target, 2, 3, 0)
    nothing = np.full_like(truth, -1 if target.is_discrete else np.nan)
    assert float(MaskedLoss(loss_of(target), target.is_discrete)(nothing, outputs.astype("float32"))) == 0.0
