from __future__ import annotations

from typing import Any

import pytest

from kpipe.spec.merge import merge
from kpipe.spec.mistake import Place
from kpipe.spec.node import node_of

SGD = {"SGD": {"momentum": 0.9}}


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": 1, "b": 3, "c": 4}),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 3}}}, {"a": {"b": {"c": 3, "d": 2}}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"m": {"type": "cnn", "filters": [8]}}, {"m": {"type": "mlp"}}, {"m": {"type": "mlp"}}),
        ({"m": {"type": "cnn", "a": 1}}, {"m": {"type": "cnn", "b": 2}}, {"m": {"type": "cnn", "a": 1, "b": 2}}),
        ({"m": {"type": "cnn", "a": 1}}, {"m": {"b": 2}}, {"m": {"type": "cnn", "a": 1, "b": 2}}),
        ({"m": "cnn"}, {"m": {"b": 2}}, {"m": {"type": "cnn", "b": 2}}),
        ({"m": "cnn"}, {"m": {"type": "mlp"}}, {"m": {"type": "mlp"}}),
        ({"m": {"type": "cnn", "a": 1}}, {"m": "mlp"}, {"m": "mlp"}),
        ({"o": {"AdamW": {"beta_1": 0.8}}}, {"o": SGD}, {"o": SGD}),
        ({"o": {"SGD": {"nesterov": True}}}, {"o": SGD}, {"o": {"SGD": {"nesterov": True, "momentum": 0.9}}}),
        ({"o": "AdamW"}, {"o": SGD}, {"o": SGD}),
        ({"o": {"AdamW": {"beta_1": 0.8}}}, {"o": "AdamW"}, {"o": "AdamW"}),
        ({"r": {"CosineDecay": {"alpha": 0.1}}}, {"r": {"type": "cosine"}}, {"r": {"type": "cosine"}}),
        ({"t": {"A": 1, "B": 2}}, {"t": {"C": 3, "d": 4}}, {"t": {"A": 1, "B": 2, "C": 3, "d": 4}}),
        ({"a": {}}, {"a": {"B": 1}}, {"a": {"B": 1}}),
    ],
)
def test_merge(base: dict[str, Any], over: dict[str, Any], expected: dict[str, Any]) -> None:
    here, there = Place("base"), Place("over")
    assert merge(node_of(base, here), node_of(over, there)).plain == expected


def test_what_is_merged_remembers_where_it_came_from() -> None:
    merged = merge(node_of({"a": {"x": 1, "y": 1}}, Place("base")), node_of({"a": {"y": 2}}, Place("over")))
    inner = merged.entries["a"].node.entries
    assert (inner["x"].node.place.source, inner["y"].node.place.source) == ("base", "over")
