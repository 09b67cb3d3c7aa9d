"""Expectation: what a field takes, in words, and how to write what was probably meant."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args, get_origin

from kpipe.spec.keras_object import NOUNS, OfKind
from kpipe.spec.one_of import noun
from kpipe.spec.received import as_boolean, as_number
from kpipe.spec.shape import Shape, alternatives

SIMPLE: Final[dict[Any, tuple[str, str]]] = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "true or false"),
    str: ("text", "texts"),
}
"""A type in words, one and several."""


def expectation(shape: Shape) -> str:
    """What a shape takes, in words."""
    kind = next((item for item in shape.metadata if isinstance(item, OfKind)), None)
    if kind is not None:
        return f"a Keras {NOUNS[kind.kind]}"
    if shape.one_of is not None:
        return f"a {noun(shape.one_of.package)}, its name or a mapping with `type`"
    if shape.choices:
        return f"one of {', '.join(str(choice) for choice in shape.choices)}"
    if shape.is_list:
        return list_expectation(shape)
    if shape.annotation in SIMPLE:
        return SIMPLE[shape.annotation][0]
    return "a mapping of names to values" if get_origin(shape.annotation) is dict else "a mapping of fields"


def list_expectation(shape: Shape) -> str:
    args = [arg for arg in get_args(shape.annotation) if arg is not Ellipsis]
    if len(args) > 1:
        return f"a list of {len(args)}"
    items = list(alternatives(args[0], (), None, None))
    one_of = items[0].one_of if len(items) == 1 else None
    if one_of is not None:
        return (
            f"a {noun(one_of.package)}, or a list of them" if shape.takes_one else f"a list of {noun(one_of.package)}s"
        )
    plural = SIMPLE.get(items[0].annotation, ("", ""))[1] if len(items) == 1 else ""
    return f"a list of {plural}" if plural else "a list"


def advice(value: Any, shapes: Sequence[Shape]) -> str:
    """How to write what was probably meant; empty where that is not clear."""
    kinds = [shape.annotation for shape in shapes]
    if bool in kinds:
        return as_boolean(value)
    if isinstance(value, str) and (int in kinds or float in kinds):
        return as_number(value)
    if str in kinds and isinstance(value, (bool, int, float)):
        return f"put it in quotes: {json.dumps(in_yaml(value))}"
    if int in kinds and isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    only_lists = bool(shapes) and all(shape.is_list and not shape.takes_one for shape in shapes)
    if only_lists and not isinstance(value, (list, tuple, Mapping)):
        return f"write a list: [{in_yaml(value)}]"
    return ""


def in_yaml(value: Any) -> str:
    """A default as one would write it."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float, list, tuple, dict)):
        return json.dumps(value, default=str)
    return str(value)
