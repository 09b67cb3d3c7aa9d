from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kpipe.pipeline import Pipeline
from kpipe.spec.schema import json_schema
from kpipe.spec.yaml import parse

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("pipelines/*.yaml"), *ROOT.glob("kpipe/templates/*.yaml")])
DIGITS: dict[str, Any] = {
    "name": "digits",
    "data": {"type": "sklearn", "dataset": "digits"},
    "model": {"type": "cnn", "filters": [8, [8, 8]]},
    "train": {"type": "fit", "optimizer": {"AdamW": {"learning_rate": 1e-3}}},
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema(Pipeline)


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_it_is_small(schema: dict[str, Any]) -> None:
    assert len(json.dumps(schema, separators=(",", ":"))) < 150_000


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_pipelines_pass(file: Path, validator: jsonschema.Draft202012Validator) -> None:
    root = parse(file.read_bytes(), str(file)).root
    assert root is not None
    validator.validate(root.plain)


@pytest.mark.parametrize(
    "change",
    [
        {"train": [{"type": "fit"}, "fit"]},
        {"train": "fit"},
        {"model": "cnn"},
        {"train": {"type": "fit", "optimizer": "SGD"}},
        {"train": {"type": "fit", "optimizer": {"SGD": None}}},
        {"train": {"type": "fit", "optimizer": {"SGD": {"learning_rate": {"CosineDecay": {
            "initial_learning_rate": 0.1, "decay_steps": 10}}}}}},
        {"backend": None},
        {"extends": "other.yaml", "model": {"dropout": 0.1}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_right_passes(change: dict[str, Any], validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(DIGITS | change)


@pytest.mark.parametrize(
    "change",
    [
        {"nam": "x"},
        {"name": "a b"},
        {"seed": -1},
        {"backend": "pytorch"},
        {"data": {"type": "sklearn", "dataset": "digit"}},
        {"data": {"type": "sklearn"}},
        {"data": {"dataset": "digits"}},
        {"data": "sklern"},
        {"model": {"type": "cnn", "filtres": [8]}},
        {"model": {"type": "cnn", "filters": []}},
        {"model": {"type": "cnn", "dropout": 1}},
        {"train": []},
        {"train": {"type": "fit", "optimizer": "Adm"}},
        {"train": {"type": "fit", "optimizer": {"AdamW": {"lr": 1}}}},
        {"train": {"type": "fit", "optimizer": {"AdamW": {"learning_rate": 0}}}},
        {"train": {"type": "fit", "optimizer": {"AdamW": {}, "SGD": {}}}},
        {"train": {"type": "fit", "optimizer": {"SGD": {"learning_rate": {"CosineDecay": {}}}}}},
        {"evaluate": {"plots": ["confusionmatrix"]}},
        {"extends": "other.yaml", "modle": {}},
        {"extends": 3},
    ],
    ids=str,
)
def test_what_is_wrong_fails(change: dict[str, Any], validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(DIGITS)
    assert not validator.is_valid(DIGITS | change)


def objects(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for item in schema for found in objects(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if isinstance(schema.get("properties"), dict) else []
    return own + [found for key, value in schema.items() if key != "default" for found in objects(value)]


def test_it_is_closed_and_described(schema: dict[str, Any]) -> None:
    found = objects(schema)
    assert len(found) > 50
    for one in found:
        assert one["additionalProperties"] is False
    for name, definition in schema["$defs"].items():
        assert definition["description"], name
        assert "\n" not in definition["description"]
        if not name.startswith("keras-"):
            for field, property_ in definition["properties"].items():
                assert field == "type" or property_["description"], (name, field)


def test_defaults_are_written_as_in_a_file(schema: dict[str, Any]) -> None:
    properties = schema["$defs"]["Fit"]["properties"]
    assert properties["optimizer"]["default"] in ("AdamW", {"AdamW": {"learning_rate": 0.001}})
    assert properties["optimizer"]["$ref"] == "#/$defs/keras-optimizers"
