from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpipe.errors import SpecError
from kpipe.spec.document import document_of
from kpipe.spec.override import override

DIGITS: dict[str, Any] = {
    "data": {"type": "sklearn", "dataset": "digits"},
    "model": {"type": "cnn", "filters": [8, 16]},
    "train": {"type": "fit", "optimizer": "AdamW"},
}


def changed(path: str, value: Any, data: dict[str, Any] = DIGITS) -> Any:
    return override(data, {path: value})


def test_a_value_is_replaced_and_the_data_stays_as_it_is() -> None:
    before = copy.deepcopy(DIGITS)
    assert changed("data.dataset", "iris")["data"] == {"type": "sklearn", "dataset": "iris"}
    assert before == DIGITS


def test_what_is_missing_on_the_way_is_made() -> None:
    assert changed("track.tags.a", "b")["track"] == {"tags": {"a": "b"}}
    assert changed("track.experiment", "x", {"track": None})["track"] == {"experiment": "x"}


def test_positions_in_lists() -> None:
    assert changed("model.filters.1", 64)["model"]["filters"] == [8, 64]
    for wrong in ("2", "-1", "one", "99999999999999999999", "²"):
        with pytest.raises(SpecError, match="no such position"):
            changed(f"model.filters.{wrong}", 64)


def test_train_is_a_mapping_or_a_list_of_one() -> None:
    assert changed("train.0.epochs", 3)["train"]["epochs"] == 3
    assert changed("train.0.epochs", 3, {"train": "fit"})["train"] == {"type": "fit", "epochs": 3}
    assert changed("train.epochs", 3, {"train": [{"type": "fit"}]})["train"] == [{"type": "fit", "epochs": 3}]
    assert changed("train.1.epochs", 3, {"train": ["fit", "fit"]})["train"] == ["fit", {"type": "fit", "epochs": 3}]
    with pytest.raises(SpecError, match="positions: 0 to 1"):
        changed("train.epochs", 3, {"train": ["fit", "fit"]})


def test_a_name_alone_stands_for_the_thing_it_names() -> None:
    assert changed("model.dropout", 0.2, {"model": "cnn"})["model"] == {"type": "cnn", "dropout": 0.2}
    found = changed("train.optimizer.AdamW.learning_rate", 1e-3)["train"]["optimizer"]
    assert found == {"AdamW": {"learning_rate": 1e-3}}


def test_another_keras_object_replaces_the_first() -> None:
    data = {"train": {"optimizer": {"AdamW": {"weight_decay": 0.1}}}}
    assert changed("train.optimizer.SGD.momentum", 0.9, data)["train"]["optimizer"] == {"SGD": {"momentum": 0.9}}
    assert changed("train.optimizer.AdamW.beta_1", 0.8, data)["train"]["optimizer"] == {
        "AdamW": {"weight_decay": 0.1, "beta_1": 0.8}
    }


def test_another_type_drops_the_fields_of_the_old_one_whatever_the_order() -> None:
    found = override(DIGITS, {"model.units": [3], "model.type": "mlp"})
    assert found["model"] == {"type": "mlp", "units": [3]}
    assert changed("model.type", "cnn")["model"] == DIGITS["model"]


def test_keys_with_dots_are_found() -> None:
    data = {"tune": {"space": {"model.dropout": {"min": 0.0, "max": 0.5}}}}
    assert changed("tune.space.model.dropout.max", 0.3, data)["tune"]["space"]["model.dropout"]["max"] == 0.3


def test_a_path_through_a_number_leads_nowhere() -> None:
    with pytest.raises(SpecError, match="it has no field `x`"):
        changed("a.x", 1, {"a": 3})
    with pytest.raises(SpecError, match="more than 50 parts"):
        changed(".".join(["a"] * 60), 1)


@pytest.mark.parametrize("text", ["model", "=1", "  =1"])
def test_an_override_needs_a_path_and_a_value(text: str) -> None:
    (mistake,) = document_of(DIGITS, overrides=[text]).mistakes
    assert mistake.message == "no value"


def test_an_empty_value_is_nothing() -> None:
    assert document_of(DIGITS, overrides=["model="]).data["model"] is None


names = st.from_regex(r"[a-z_]{1,6}", fullmatch=True).filter(lambda name: name not in ("type", "train"))
values = st.integers() | st.booleans() | st.text(max_size=5) | st.lists(st.integers(), max_size=3)
trees = st.dictionaries(names, st.none() | st.dictionaries(names, values, max_size=3), max_size=3)


@given(trees, st.lists(names, min_size=1, max_size=4), values)
def test_what_was_put_in_is_what_is_read(tree: dict[str, Any], path: list[str], value: Any) -> None:
    try:
        found: Any = override(tree, {".".join(path): value})
    except SpecError:
        return
    for part in path:
        found = found[part]
    assert found == value


@given(st.lists(st.text(max_size=30), max_size=3))
def test_no_override_raises_on_the_command_line(texts: list[str]) -> None:
    document = document_of(DIGITS, overrides=texts)
    assert document.data or document.mistakes
