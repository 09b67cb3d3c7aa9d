"""What the whole run takes by what was measured, and who is the fastest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kpipe.bench.measurement import quickest, steps_of, steps_per_second, stops_early, whole_run
from kpipe.pipeline import Pipeline

from .conftest import failed, measured, stage

Make = Callable[..., Pipeline]
TWO = [{"type": "fit", "epochs": 2}, {"type": "fit", "epochs": 10, "stop_after": 4}]


def test_the_whole_run_is_start_data_compiling_and_epochs_with_validation(pipeline: Make) -> None:
    row = measured("jax", 0.1)
    assert whole_run(row, pipeline()) == pytest.approx(3.0 + 1.0 + 2.0 + 3 * (20 * 0.1 + 0.5))
    assert steps_of(row, pipeline()) == 60


def test_each_stage_counts_for_its_epochs(pipeline: Make) -> None:
    row = measured("jax", 0.1, stages=(stage(0.1), stage(0.4, index=1, steps=5)))
    two = pipeline(train=TWO)
    seconds = 2 * (20 * 0.1 + 0.5) + 4 * (5 * 0.4 + 0.5)
    assert whole_run(row, two) == pytest.approx(3.0 + 1.0 + 2 * 2.0 + seconds)
    middle, low, high = steps_per_second(row, two)
    assert middle == pytest.approx(60 / (40 * 0.1 + 20 * 0.4))
    assert (low, high) == (pytest.approx(middle / 2), pytest.approx(middle * 2))


def test_parts_of_one_stage_count_each(pipeline: Make) -> None:
    row = measured("jax", 0.1, stages=(stage(0.1), stage(0.1)))
    assert steps_of(row, pipeline()) == 120


def test_who_is_the_fastest_depends_on_how_long_the_run_is(pipeline: Make) -> None:
    slow_to_compile = measured("jax", 0.01, stages=(stage(0.01, compiling=30.0),))
    slow_steps = measured("torch", 0.1)
    rows = (slow_to_compile, failed("tensorflow"), slow_steps)
    assert [row.backend for row in quickest(rows, pipeline())] == ["torch", "jax"]
    assert [row.backend for row in quickest(rows, pipeline({"train.epochs": 100}))] == ["jax", "torch"]


def test_early_stopping_makes_it_at_most(pipeline: Make) -> None:
    assert not stops_early(pipeline())
    assert stops_early(pipeline({"train.early_stopping": {"patience": 2}}))
