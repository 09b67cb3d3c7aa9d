"""Expectations: what is checked before, what comes of them after."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kpipe.errors import SpecError, WrongInput
from kpipe.evaluation.expect import Bounds, Outcome, in_words, outcomes
from kpipe.pipeline import Pipeline, effective_yaml, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.spec.yaml import parse

DIGITS: dict[str, Any] = {
    "name": "digits",
    "data": {"type": "sklearn", "dataset": "digits"},
    "model": {"type": "cnn", "filters": [4]},
    "train": {"type": "fit", "epochs": 1},
}


def pipeline(expect: dict[str, Any], *overrides: str, **sections: Any) -> Pipeline:
    return checked(Pipeline, document_of({**DIGITS, **sections, "expect": expect}, overrides=overrides))


@pytest.mark.parametrize(
    ("low", "high", "found", "is_met"),
    [
        (0.9, None, 0.9, True),
        (0.9, None, 0.8999, False),
        (None, 0.1, 0.1, True),
        (None, 0.1, 0.1001, False),
        (0.0, 1.0, math.nan, False),
        (None, 1.0, None, False),
    ],
)
def test_both_ends_are_allowed(low: float | None, high: float | None, found: float | None, is_met: bool) -> None:
    assert Outcome("test.loss", Bounds(min=low, max=high), found).is_met is is_met


def test_each_expectation_is_told_with_what_was_found() -> None:
    expected = pipeline({"test.accuracy": {"min": 0.97}, "test.loss": {"max": 0.1}, "test.f1/7": {"min": 0.9}}).expect
    found = outcomes(expected, {"accuracy": 0.9861, "loss": 0.2}, {"f1/7": "no test example is 7"})
    assert [outcome.words for outcome in found] == [
        "test.accuracy 0.9861, expected at least 0.97: met",
        "test.loss 0.2, expected at most 0.1: NOT met",
        "test.f1/7 is not there (no test example is 7), expected at least 0.9: NOT met",
    ]
    assert in_words(found).startswith("2 of 3 not met: test.loss 0.2")
    assert in_words(found[:1]) == "met"


def test_is_kept_with_the_run() -> None:
    """What a resumed run reads is the file with every default."""
    written = pipeline({"test.accuracy": {"min": 0.97}, "test.loss": {"min": 0, "max": 0.1}})
    parsed = parse(effective_yaml(written), "resolved.yaml")
    assert parsed.root is not None
    assert checked(Pipeline, document_of(parsed.root.plain)).expect == written.expect


def test_set_reaches_an_expectation_by_its_path() -> None:
    changed = pipeline({"test.accuracy": {"min": 0.9}}, "expect.test.accuracy.min=0.95", "expect.test.f1/7.max=1")
    assert changed.expect == {"test.accuracy": Bounds(min=0.95), "test.f1/7": Bounds(max=1.0)}
    assert pipeline({}, "expect.test.loss={max: 0.1}").expect == {"test.loss": Bounds(max=0.1)}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("test.acuracy", "did you mean `test.accuracy`?"),
        ("acuracy", "write test.accuracy"),
        ("val_accuracy", "write test.accuracy"),
        ("test/loss", "write test.loss"),
        ("test.macro_f2", "did you mean `test.macro_f1`?"),
        ("test.rmse", "one of: test.accuracy"),
    ],
)
def test_a_name_that_is_not_measured_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(SpecError) as raised:
        pipeline({name: {"min": 0.5}})
    assert hint in str(raised.value)


def test_a_metric_that_is_not_chosen_says_how_to_have_it() -> None:
    with pytest.raises(SpecError, match=r"add `f1` to `evaluate.metrics`"):
        pipeline({"test.macro_f1": {"min": 0.5}}, evaluate={"metrics": ["accuracy"]})


def test_percent_are_refused() -> None:
    with pytest.raises(SpecError, match=r"accuracy is never above 1\n *write 0.97"):
        pipeline({"test.accuracy": {"min": 97}})


def test_split_and_metric_are_one_word() -> None:
    with pytest.raises(SpecError, match=r"split and metric are one word here\n *write `test.accuracy: \{\.\.\.\}`"):
        pipeline({"test": {"accuracy": {"min": 0.97}}})


def test_a_class_that_the_data_lacks_is_refused_before_training() -> None:
    load_splits(pipeline({"test.f1/9": {"min": 0.5}}))
    with pytest.raises(WrongInput) as raised:
        load_splits(pipeline({"test.f1/11": {"min": 0.5}}))
    assert "expect.test.f1/11: the data has no such output" in str(raised.value)
    assert "test.f1/1" in raised.value.hint
