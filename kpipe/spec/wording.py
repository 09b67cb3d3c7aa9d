"""Wording: what is wrong with a value, in words: what was received, what is expected, the nearest name, a hint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import BaseModel

from kpipe.spec.expectation import advice, expectation, in_yaml
from kpipe.spec.mistake import Path, Problem, dotted, nearest, printable, several_nearest
from kpipe.spec.node import Node
from kpipe.spec.one_of import OneOf, components, noun, section
from kpipe.spec.received import number, received
from kpipe.spec.shape import Shape, alternatives, default_of, shapes_at, standing_for

TYPE_MISTAKES: Final = frozenset(
    f"{name}_type" for name in ("int", "float", "bool", "string", "tuple", "list", "dict", "model", "model_attributes")
) | {"int_from_float", "literal_error", "missing"}
"""Kinds of error that say: not this type at all."""


@dataclass(frozen=True)
class Wrong:
    """A value that a spec refuses, and why."""

    spec: type[BaseModel]
    root: Node
    path: Path
    kind: str
    input: Any
    context: Mapping[str, Any]
    shapes: Sequence[Shape]

    @property
    def about(self) -> str:
        """The field's description and default."""
        field = next((shape.field for shape in self.shapes if shape.field is not None), None)
        default = default_of(field)
        parts = [field.description] if field is not None and field.description else []
        if default is not None and not isinstance(default, BaseModel):
            parts.append(f"default {in_yaml(default)}")
        return ", ".join(parts)

    @property
    def one_of(self) -> OneOf | None:
        """The folder of components that the value is chosen from; a mapping may stand for a list of one."""
        items = [get_args(shape.annotation)[0] for shape in self.shapes if shape.is_list]
        inner = [shape for item in items for shape in alternatives(item, (), None, None)]
        return next((shape.one_of for shape in (*self.shapes, *inner) if shape.one_of), None)

    @property
    def above(self) -> list[Shape]:
        """What is expected where the key stands."""
        *_, node = self.root.walk(self.path[:-1])
        return [
            inner for shape in shapes_at(self.spec, self.path[:-1], self.root) for inner in standing_for(shape, node)
        ]


def explain(wrong: Wrong) -> Problem:
    """The mistake in words."""
    return EXPLAIN.get(wrong.kind, wrong_type if wrong.kind in TYPE_MISTAKES else otherwise)(wrong)


def unknown_field(wrong: Wrong) -> Problem:
    name = str(wrong.path[-1])
    fields = [known for shape in wrong.above if shape.spec for known in shape.spec.model_fields]
    near = nearest(name, fields)
    if elsewhere := places_of(wrong, name):
        hint = f"it belongs {' or '.join(elsewhere)}"
    elif near is not None:
        hint = f"did you mean `{near}`?"
    else:
        hint = f"fields here: {', '.join(fields)}"
    return Problem(wrong.path, "no such field", hint, wrong.path)


def places_of(wrong: Wrong, name: str) -> list[str]:
    """Where in the pipeline there is a field of this very name."""
    places: list[Path] = [(), *((section,) for section in wrong.spec.model_fields)]
    # a section whose keys are free (`expect`) has any name, and no field
    found = [
        place for place in places if any(shape.field for shape in shapes_at(wrong.spec, (*place, name), wrong.root))
    ]
    return [f"under `{dotted(place)}`" if place else "at the top" for place in found]


def missing(wrong: Wrong) -> Problem:
    last = wrong.path[-1]
    if isinstance(last, int):
        size = len(wrong.input) if isinstance(wrong.input, (list, tuple)) else last
        return Problem(wrong.path[:-1], f"a list of {size}: item {last} is missing", wrong.about)
    choices = [str(choice) for shape in wrong.shapes for choice in shape.choices]
    if wrong.one_of is not None:
        choices = list(components(wrong.one_of.package))
    hints = [wrong.about, f"one of: {', '.join(choices)}" if choices else ""]
    return Problem(wrong.path, "missing", "; ".join(hint for hint in hints if hint), wrong.path[:-1] or None)


def missing_type(wrong: Wrong) -> Problem:
    """A mapping that does not say which component it is."""
    keys = list(wrong.input) if isinstance(wrong.input, Mapping) else []
    meant = nearest("type", [key for key in keys if isinstance(key, str)])
    if meant is not None:
        here = (*wrong.path, meant)
        return Problem(here, "no such field", "did you mean `type`?", here)
    names = f"one of: {', '.join(components(wrong.one_of.package))}" if wrong.one_of else ""
    return Problem((*wrong.path, "type"), "missing", names, wrong.path)


def unknown_type(wrong: Wrong) -> Problem:
    one_of = wrong.one_of
    written = wrong.input.get("type") if isinstance(wrong.input, Mapping) else wrong.input
    if one_of is None:
        return otherwise(wrong)
    command = f"all: kpipe list {section(one_of.package)}"
    node = list(wrong.root.walk(wrong.path))[-1]
    path = (*wrong.path, "type") if node.child("type") is not None else wrong.path
    if not isinstance(written, str):
        return Problem(path, f"expected the name of a {noun(one_of.package)}, received {received(written)}", command)
    near = several_nearest(written, components(one_of.package))
    hint = (f"nearest: {', '.join(near)}; " if near else "") + command
    return Problem(path, f"no {noun(one_of.package)} `{printable(written)}`", hint)


def wrong_type(wrong: Wrong) -> Problem:
    expected = " or ".join(dict.fromkeys(expectation(shape) for shape in wrong.shapes)) or "something else"
    if wrong.input is None:
        optional = any(shape.field is not None and not shape.field.is_required() for shape in wrong.shapes)
        hint = "remove this line to have the default" if optional else wrong.about
        return Problem(wrong.path, f"expected {expected}, received nothing", hint)
    shown = received(wrong.input)
    if isinstance(wrong.input, float) and "a whole number" in expected and wrong.input.is_integer():
        shown = f"{wrong.input} (a number with a point)"
    return Problem(
        wrong.path, f"expected {expected}, received {shown}", advice(wrong.input, wrong.shapes) or wrong.about
    )


def out_of_range(wrong: Wrong) -> Problem:
    bounds = next((shape.interval for shape in wrong.shapes if shape.interval), None) or wrong.context
    low: Any = bounds.get("ge", bounds.get("gt"))
    high: Any = bounds.get("le", bounds.get("lt"))
    shown = number(wrong.input)
    if low is not None and high is not None:
        interval = f"{'[' if 'ge' in bounds else '('}{number(low)}, {number(high)}{']' if 'le' in bounds else ')'}"
        message = f"{shown} is outside {interval}"
    elif low is not None:
        message = f"{shown} is too small: {'at least' if 'ge' in bounds else 'more than'} {number(low)}"
    else:
        message = f"{shown} is too large: {'at most' if 'le' in bounds else 'less than'} {number(high)}"
    return Problem(wrong.path, message, wrong.about)


def not_one_of(wrong: Wrong) -> Problem:
    choices = [in_yaml(choice) for shape in wrong.shapes for choice in shape.choices]
    if any(not shape.choices for shape in wrong.shapes) and not isinstance(wrong.input, str):
        return wrong_type(wrong)
    near = nearest(wrong.input, choices) if isinstance(wrong.input, str) else None
    hint = f"did you mean `{near}`?" if near else wrong.about
    return Problem(wrong.path, f"{received(wrong.input, kind=False)} is not one of: {', '.join(choices)}", hint)


def wrong_key(wrong: Wrong) -> Problem:
    keys = [
        str(choice)
        for shape in wrong.above
        for args in [get_args(shape.annotation)]
        if args
        for choice in get_args(args[0])
    ]
    near = nearest(str(wrong.path[-1]), keys)
    hint = f"did you mean `{near}`?" if near else f"one of: {', '.join(keys)}" if keys else ""
    return Problem(wrong.path, "no such key", hint, wrong.path)


def size(wrong: Wrong) -> Problem:
    """A text or list that is too short or too long."""
    length = wrong.context.get("actual_length", len(wrong.input) if hasattr(wrong.input, "__len__") else 0)
    low, high = wrong.context.get("min_length"), wrong.context.get("max_length")
    wanted = f"at least {low}" if low is not None else f"at most {high}"
    if isinstance(wrong.input, str):
        what = f"{wanted} characters" if wrong.input else "not empty"
        return Problem(
            wrong.path, f"{received(wrong.input, kind=False)} has {length} characters, expected {what}", wrong.about
        )
    what = "mapping" if isinstance(wrong.input, Mapping) else "list"
    return Problem(wrong.path, f"a {what} of {length}, expected {wanted}", wrong.about)


def pattern(wrong: Wrong) -> Problem:
    allowed = wrong.context.get("pattern", "")
    mended = re.sub(r"[^A-Za-z0-9._-]+", "-", wrong.input).strip("-._")
    hint = f"write {mended}" if re.search(allowed, mended) else wrong.about
    return Problem(wrong.path, f"{received(wrong.input, kind=False)} does not match {allowed}", hint)


def infinite(wrong: Wrong) -> Problem:
    return Problem(wrong.path, f"expected a finite number, received {received(wrong.input, kind=False)}", wrong.about)


def multiple(wrong: Wrong) -> Problem:
    step = wrong.context.get("multiple_of")
    return Problem(wrong.path, f"{received(wrong.input, kind=False)} is not a multiple of {step}", wrong.about)


def said(wrong: Wrong) -> Problem:
    """What a validator of a component says itself."""
    return Problem(wrong.path, str(wrong.context.get("error", "is not valid")), wrong.about)


def otherwise(wrong: Wrong) -> Problem:
    return Problem(wrong.path, f"{received(wrong.input)} is not valid here", wrong.about)


EXPLAIN: Final[dict[str, Callable[[Wrong], Problem]]] = {
    "extra_forbidden": unknown_field,
    "missing": missing,
    "union_tag_not_found": missing_type,
    "union_tag_invalid": unknown_type,
    "greater_than": out_of_range,
    "greater_than_equal": out_of_range,
    "less_than": out_of_range,
    "less_than_equal": out_of_range,
    "literal_error": not_one_of,
    "wrong_key": wrong_key,
    "string_too_short": size,
    "string_too_long": size,
    "too_short": size,
    "too_long": size,
    "string_pattern_mismatch": pattern,
    "finite_number": infinite,
    "multiple_of": multiple,
    "value_error": said,
    "assertion_error": said,
}
