"""Every schedule in the folder, held to the same list."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpipe.spec.one_of import components
from kpipe.training.schedules.schedule import in_steps

SCHEDULES = sorted(components("kpipe.training.schedules").items())
spans = st.one_of(st.integers(0, 500), st.floats(0, 1))


def course(schedule, steps):
    return np.array([float(schedule.factor(np.float64(step), steps, np)) for step in range(steps)])


def build(kind, **fields):
    return dict(SCHEDULES)[kind].model_validate({**dict(SCHEDULES)[kind].example, **fields})


@pytest.mark.parametrize("kind", [name for name, _ in SCHEDULES])
@settings(max_examples=40, deadline=None)
@given(steps=st.integers(1, 300), warmup=spans)
def test_it_stays_within_the_peak_and_rises_then_falls(kind, steps, warmup):
    schedule = build(kind, warmup=warmup)
    values = course(schedule, steps)
    rise = min(in_steps(warmup, steps), steps)
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    assert (np.diff(values[:rise]) > 0).all()
    assert (np.diff(values[rise:]) <= 1e-12).all()
    assert rise == steps or values[rise] == pytest.approx(1.0)


@pytest.mark.parametrize("kind", [name for name, _ in SCHEDULES])
@pytest.mark.parametrize("warmup", [0, 7, 0.25])
def test_it_is_the_same_in_keras(backend, kind, warmup):
    import keras

    from kpipe.training.loop.scheduled import Scheduled

    schedule = build(kind, warmup=warmup)
    scheduled = Scheduled(schedule, 0.3, 60)
    found = [float(scheduled(keras.ops.convert_to_tensor(step))) for step in range(0, 64, 3)]
    expected = [0.3 * float(schedule.factor(np.float64(step), 60, np)) for step in range(0, 64, 3)]
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("kind", "component"), SCHEDULES)
def test_its_docstring_has_its_sections(kind, component):
    text = component.__doc__
    assert "factor = " in text
    assert f"type: {kind}" in text.partition("Example:")[2]
    assert len(component.summary()) < 100


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ({"type": "constant"}, [1, 1, 1]),
        ({"type": "linear", "end": 0.2}, [1, 0.6, 0.2]),
        ({"type": "cosine", "alpha": 0.1}, [1, 0.55, 0.1]),
        ({"type": "exponential", "every": 50, "rate": 0.25}, [1, 0.25, 0.0625]),
        ({"type": "step", "every": 0.5, "rate": 0.1}, [1, 0.1, 0.01]),
    ],
)
def test_values_at_the_beginning_middle_and_end(fields, values):
    schedule = build(**{"kind": fields["type"], **{name: one for name, one in fields.items() if name != "type"}})
    assert [float(schedule.factor(np.float64(step), 100, np)) for step in (0, 50, 100)] == pytest.approx(values)


def test_a_whole_number_is_steps_and_a_number_with_a_point_is_a_fraction():
    assert in_steps(1, 200) == 1
    assert in_steps(1.0, 200) == 200
    assert build("cosine", warmup=1).warmup == 1
    assert isinstance(build("cosine", warmup=1.0).warmup, float)
