from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kpipe.compare.differences import Written, differences, words, written, written_in
from kpipe.pipeline import Pipeline, effective_yaml
from kpipe.spec.check import checked
from kpipe.spec.document import document_of

DIGITS: dict[str, Any] = {
    "name": "digits",
    "data": {"type": "sklearn", "dataset": "digits"},
    "model": {"type": "cnn", "filters": [8]},
    "train": {"type": "fit", "epochs": 2},
}


def found(*sides: list[str]) -> dict[str, tuple[str, ...]]:
    pipelines = [checked(Pipeline, document_of(DIGITS, overrides=side)) for side in sides]
    return {one.path: tuple(map(words, one.values)) for one in differences([written(side) for side in pipelines])}


def test_a_default_that_is_written_out_is_no_difference() -> None:
    assert found([], ["model.dropout=0.0", "seed=0", "train.early_stopping=null"]) == {}


def test_values_are_named_by_the_paths_that_set_takes() -> None:
    other = ["model.dropout=0.2", "model.filters=[8, 16]", "train.epochs=5", "backend=jax"]
    told = found([], other)
    assert told == {
        "backend": ("null", "jax"),
        "model.filters": ("[8]", "[8, 16]"),
        "model.dropout": ("0.0", "0.2"),
        "train.epochs": ("2", "5"),
    }
    assert found([f"{path}={values[1]}" for path, values in told.items()], other) == {}, "what is told makes it right"


def test_three_sides_stand_beside_each_other() -> None:
    assert found(["seed=1"], ["seed=1"], ["seed=2"]) == {"seed": ("1", "1", "2")}


def test_keras_objects_of_one_name_are_compared_by_argument_and_others_whole() -> None:
    adam, other = "train.optimizer={Adam: {learning_rate: 0.1}}", "train.optimizer={Adam: {learning_rate: 0.2}}"
    assert found([adam], [other]) == {"train.optimizer.Adam.learning_rate": ("0.1", "0.2")}
    assert found([adam], ["train.optimizer={SGD: {learning_rate: 0.2}}"]) == {
        "train.optimizer": ("{Adam: {learning_rate: 0.1}}", "{SGD: {learning_rate: 0.2}}")
    }


def test_of_another_type_only_what_is_not_at_its_default_is_told() -> None:
    told = found([], ["model={type: transformer, layers: 3}", "data.dataset=digits"])
    assert told["model.type"] == ("cnn", "transformer")
    assert told["model.layers"] == ("–", "3")
    assert told["model.filters"] == ("[8]", "–")
    assert "model.num_heads" not in told


def test_a_part_that_one_side_lacks_is_told_in_short() -> None:
    told = found([], ["train.early_stopping={patience: 7}"])
    assert told == {"train.early_stopping": ("null", "{patience: 7}")}


def test_stages_are_counted_where_there_are_several() -> None:
    two = "train=[{type: fit, epochs: 2}, {type: fit, epochs: 4}]"
    assert found([two], [two, "train.1.epochs=5"]) == {"train.1.epochs": ("4", "5")}
    assert found([], [two]) == {"train.1": ("–", "{type: fit, epochs: 4}")}


def test_what_another_version_wrote_is_compared_as_it_is(tmp_path: Path) -> None:
    text = effective_yaml(checked(Pipeline, document_of(DIGITS)))
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text(text + "from_the_future: 3\n")
    sides = [written_in(tmp_path / name) for name in ("a.yaml", "b.yaml")]
    assert [(one.path, one.values[1]) for one in differences(sides)] == [("from_the_future", 3)]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (0.1, "0.1"), ("max", "max"), ([1, 2], "[1, 2]"), ({"a": {"b": 1}}, "{a: {b: 1}}"), ("", "''")],
)
def test_values_in_a_line(value: object, text: str) -> None:
    assert words(value) == text
    assert "\n" not in words({"long": ["word " * 40] * 3})


def test_one_side_has_no_differences() -> None:
    assert differences([Written({"a": 1}, {"a": 1})]) == []
