"""Every training method in the folder, held to the same list."""

from __future__ import annotations

import math

import pytest
import yaml

from kpipe.errors import Interrupted
from kpipe.spec.one_of import components
from kpipe.training.method import Method

METHODS = sorted(components("kpipe.training").items())


@pytest.mark.parametrize(("kind", "component"), METHODS)
def test_it_is_a_method_and_says_what_it_does(kind, component):
    assert issubclass(component, Method)
    assert component.example.get("type", kind) == kind
    text = component.__doc__
    for section in ("Shapes:", "Raises:", "Example:", "Reference:"):
        assert section in text, section
    assert all(field.description for name, field in component.model_fields.items() if name != "type")


@pytest.mark.parametrize(("kind", "component"), METHODS)
def test_its_example_is_valid(kind, component):
    text = component.__doc__.partition("Example:\n")[2].partition("Reference:")[0]
    written = yaml.safe_load(text)["train"]
    assert written["type"] == kind
    component.model_validate(written)


@pytest.mark.parametrize(("kind", "component"), METHODS)
def test_it_trains_from_its_defaults(trial, seen, kind, component, fresh_for):
    watcher = seen()
    method = component.model_validate({"type": kind, **component.example, "epochs": 2})
    model = fresh_for(method)
    before = model.get_weights()
    _, trained = trial.train(method, watcher, model=model)
    assert all(name.startswith("fit") and epochs == 2 for name, epochs, _ in watcher.stages)
    assert sum(epochs * steps for _, epochs, steps in watcher.stages) == trained.steps == trained.history[-1].step
    assert tuple(watcher.rows) == trained.history
    assert [row.epoch for row in trained.history] == [1, 2] * len(watcher.stages)
    assert 1 <= trained.best_epoch <= 2
    assert all(math.isfinite(value) for row in trained.history for value in row.logs.values())
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(("kind", "component"), METHODS)
def test_stopped_and_gone_on_it_ends_the_same(trial, seen, kind, component, difference):
    method = component.model_validate({"type": kind, **component.example, "epochs": 2})
    straight, _ = trial.train(method)
    with pytest.raises(Interrupted):
        trial.train(method, seen(stop_at=(2, 1)), folder="stopped")
    resumed, _ = trial.train(method, folder="stopped")
    assert difference(straight, resumed) == 0.0
