"""Ranges, choices and switches: what they hold."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from kpipe.tuning.random import Random
from kpipe.tuning.space import MOST_STEPS, Axis, Choices, Range, Switch, count, short_names, steps_of

SAMPLINGS = st.sampled_from(["linear", "log", "reverse_log"])


def span(**fields: Any) -> Range:
    try:
        return Range(**fields)
    except ValidationError:
        assume(False)
        raise


@given(st.integers(-1000, 1000), st.integers(1, 1000), st.none() | st.integers(1, 100), SAMPLINGS)
def test_steps_of_whole_numbers_stay_whole_and_inside(low: int, width: int, step: int | None, sampling: Any) -> None:
    values = steps_of(span(min=low, max=low + width, step=step, sampling=sampling), whole=True)
    if values is None:
        assert sampling != "linear"
        assert step is None
        return
    assert all(type(value) is int for value in values)
    assert all(low <= value <= low + width for value in values)
    assert list(values) == sorted(set(values))
    assert (values[-1] == low + width) if sampling == "reverse_log" else (values[0] == low)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.none() | st.floats(1e-3, 1e6), SAMPLINGS)
def test_steps_of_fractions_stay_inside(low: float, width: float, step: float | None, sampling: Any) -> None:
    assume(step is None or sampling != "linear" or width / step < 2000)
    assume(step is None or sampling == "linear" or step > 1.01)
    dimension = span(min=low, max=low + width, step=step, sampling=sampling)
    values = steps_of(dimension, whole=False)
    if values is None:
        assert step is None
        return
    assert step is not None
    assert all(type(value) is float for value in values)
    assert all(dimension.min - 1e-9 * abs(low) <= value <= dimension.max for value in values)
    assert list(values) == sorted(values)
    assert len(values) == count(dimension, step)
    ends = (values[-1], dimension.max) if sampling == "reverse_log" else (values[0], dimension.min)
    assert ends[0] == pytest.approx(ends[1], rel=1e-12)


@pytest.mark.parametrize(
    ("fields", "whole", "expected"),
    [
        ({"min": 0.0, "max": 0.3, "step": 0.1}, False, [0.0, 0.1, 0.2, 0.3]),
        ({"min": -0.3, "max": -0.1, "step": 0.1}, False, [-0.3, -0.2, -0.1]),
        ({"min": 0.0, "max": 1.0, "step": 0.4}, False, [0.0, 0.4, 0.8]),
        ({"min": 2, "max": 7}, True, [2, 3, 4, 5, 6, 7]),
        ({"min": 2, "max": 7, "step": 2}, True, [2, 4, 6]),
        ({"min": 8, "max": 64, "step": 2, "sampling": "log"}, True, [8, 16, 32, 64]),
        ({"min": 8, "max": 64, "step": 2, "sampling": "reverse_log"}, True, [8, 40, 56, 64]),
        ({"min": 1e-4, "max": 1e-2, "step": 10, "sampling": "log"}, False, [1e-4, 1e-3, 1e-2]),
    ],
)
def test_known_steps(fields: dict[str, Any], whole: bool, expected: list[float]) -> None:
    assert list(steps_of(Range(**fields), whole) or ()) == expected


def test_a_range_of_billions_costs_nothing() -> None:
    values = Axis("seed", Range(min=0, max=2**32 - 1), whole=True).values
    assert values is not None
    assert len(values) == 2**32
    with pytest.raises(ValidationError):
        Range(min=0.0, max=1.0, step=1 / (2 * MOST_STEPS))


@pytest.mark.parametrize("field", ["min", "max", "step"])
@pytest.mark.parametrize("value", [10**390, -(10**390), 1e300, -1e300, 5e-324, 2**60])
def test_numbers_out_of_this_world_are_refused_or_counted(field: str, value: float) -> None:
    for sampling in ("linear", "log", "reverse_log"):
        with suppress(ValidationError):
            read = Range.model_validate({"min": 1.0, "max": 2.0, "step": 0.1, "sampling": sampling, field: value})
            assert steps_of(read, whole=False)


def test_what_cannot_be_counted() -> None:
    assert Axis("a", Range(min=0, max=1)).values is None
    assert Axis("a", Range(min=1, max=9, sampling="log"), whole=True).values is None
    assert Axis("a", Choices(choices=("x", [1, 2]))).values == ("x", [1, 2])
    assert Axis("a", Switch(boolean=True)).values == (False, True)


@given(
    st.dictionaries(
        st.text("abc.", min_size=1, max_size=8),
        st.one_of(
            st.builds(
                lambda low, width: {"min": low, "max": low + width}, st.integers(-(2**50), 2**50), st.integers(1, 9)
            ),
            st.builds(lambda values: {"choices": values}, st.lists(st.integers(), min_size=2, max_size=5)),
            st.just({"boolean": True}),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_space_reads_back_as_it_was_written(space: dict[str, Any]) -> None:
    read = Random.model_validate({"type": "random", "space": space})
    again = Random.model_validate(read.model_dump(mode="json"))
    assert again == read
    assert read.model_dump(mode="json", exclude_unset=True)["space"] == space
    for path, dimension in read.space.items():
        assert set(space[path]) <= set(type(dimension).model_fields)


@given(st.lists(st.from_regex(r"[a-c]{1,2}(\.([a-c]|[0-9])){0,3}", fullmatch=True), min_size=1, unique=True))
def test_short_names_differ_and_end_like_their_path(paths: list[str]) -> None:
    names = short_names(paths)
    assert list(names) == paths
    assert len(set(names.values())) == len(paths)
    assert all(path == name or path.endswith(f".{name}") for path, name in names.items())
