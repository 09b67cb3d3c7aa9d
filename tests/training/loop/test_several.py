"""Several steps in one call are the steps one by one, bit for bit, whatever happens between."""

from __future__ import annotations

import signal
import types
from typing import Any

import numpy as np
import pytest

from kpipe.errors import Diverged, Interrupted

EVERYTHING = {
    "epochs": 3,
    "optimizer": {"AdamW": {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.9, "global_clipnorm": 1.0}},
    "schedule": {"type": "cosine", "warmup": 3},
}
"""Four steps an epoch, the last of them short."""


@pytest.fixture
def carried_out(monkeypatch: pytest.MonkeyPatch, backend: str) -> list[int]:
    """How many steps each call makes."""
    from kpipe.training.loop.several import SeveralSteps

    numbers: list[int] = []
    carry_out = SeveralSteps.carry_out

    def noted(self: Any, iterator: Any, number: int) -> None:
        numbers.append(number)
        carry_out(self, iterator, number)

    monkeypatch.setattr(SeveralSteps, "carry_out", noted)
    return numbers


def logs(trained: Any) -> list[dict[str, float]]:
    return [dict(row.logs) for row in trained.history]


@pytest.mark.parametrize(("number", "calls"), [(3, [3, 1]), (4, [4]), (100, [4])])
def test_any_number_gives_the_same_bits(
    trial: Any, difference: Any, carried_out: list[int], backend: str, number: int, calls: list[int]
) -> None:
    one_by_one, expected = trial.fit(EVERYTHING, folder="one")
    carried_out.clear()
    several, trained = trial.fit({**EVERYTHING, "steps_per_execution": number}, folder="several")
    assert difference(one_by_one, several) == 0.0
    assert logs(trained) == logs(expected)
    assert [row.step for row in trained.history] == [4, 8, 12]
    assert carried_out == (calls * 3 if backend == "tensorflow" else [])


def test_resume_in_the_middle_of_an_epoch_is_exact_also_with_another_number(
    trial: Any, seen: Any, difference: Any, carried_out: list[int], backend: str
) -> None:
    straight, expected = trial.fit(EVERYTHING, folder="straight")
    carried_out.clear()
    with pytest.raises(Interrupted, match="epoch 2, step 3"):
        trial.fit({**EVERYTHING, "steps_per_execution": 3}, seen(stop_at=(2, 3)), folder="stopped")
    with pytest.raises(Interrupted, match="epoch 3, step 2"):
        trial.fit({**EVERYTHING, "steps_per_execution": 2}, seen(stop_at=(3, 2)), folder="stopped")
    resumed, trained = trial.fit({**EVERYTHING, "steps_per_execution": 4}, folder="stopped")
    assert difference(straight, resumed) == 0.0
    assert logs(trained) == logs(expected)
    assert carried_out == ([3, 1, 3, 1, 2, 2] if backend == "tensorflow" else [])


def test_a_signal_is_answered_when_the_call_has_ended(
    trial: Any, difference: Any, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    from kpipe.training.loop.several import SeveralSteps

    if backend != "tensorflow":
        pytest.skip("several steps in one call are made on TensorFlow alone")
    straight, _ = trial.fit(EVERYTHING, folder="straight")
    carry_out = SeveralSteps.carry_out

    def interrupted(self: Any, iterator: Any, number: int) -> None:
        signal.raise_signal(signal.SIGINT)
        carry_out(self, iterator, number)

    written = {**EVERYTHING, "steps_per_execution": 3}
    with monkeypatch.context() as patched:
        patched.setattr(SeveralSteps, "carry_out", interrupted)
        with pytest.raises(Interrupted, match="epoch 1, step 3; saved"):
            trial.fit(written, folder="stopped")
    resumed, _ = trial.fit(written, folder="stopped")
    assert difference(straight, resumed) == 0.0


def test_the_step_that_diverged_is_named(trial: Any) -> None:
    written = {"epochs": 1, "optimizer": {"SGD": {"learning_rate": 1e30}}}
    with pytest.raises(Diverged) as one_by_one:
        trial.fit(written, folder="one")
    with pytest.raises(Diverged) as several:
        trial.fit({**written, "steps_per_execution": 4}, folder="several")
    assert str(several.value) == str(one_by_one.value)


def test_as_many_steps_as_fit_but_no_more_than_are_left(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from kpipe.training.loop import several

    if backend != "tensorflow":
        pytest.skip("several steps in one call are made on TensorFlow alone")
    import tensorflow as tf

    clock, per_step, left = [0.0], [0.011], [50]

    def graph(_iterator: Any, number: Any) -> dict[str, Any]:
        clock[0] += per_step[0] * int(number)
        return {"loss": tf.range(int(number))}

    monkeypatch.setattr(several, "graph_of", lambda _model: graph)
    monkeypatch.setattr(several.time, "perf_counter", lambda: clock[0])
    model = types.SimpleNamespace(jit_compile=False)
    steps = several.SeveralSteps(model, "auto", 0.2, lambda: left[0])
    made = []
    while left[0]:
        found = steps(None)
        if found["loss"] == 0:
            made.append(steps.carried_out)
        left[0] -= 1
        assert steps.is_ahead == (found["loss"] < steps.carried_out - 1)
    assert made == [1, 1, 18, 18, 12]  # traced; timed; 0.2 s / 0.011 s
    per_step[0], left[0] = 0.0001, 1000
    steps(None)
    assert steps.number == several.MOST
    slow = several.SeveralSteps(model, "auto", 0.0, lambda: 9)
    assert [np.asarray(slow(None)["loss"]).item() for _ in range(4)] == [0, 0, 0, 0]
