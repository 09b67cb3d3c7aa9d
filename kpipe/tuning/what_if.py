"""WhatIf: what a pipeline would say with other values in it: the question behind every check of a search's space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from kpipe.spec.check import errors_of, problems_of
from kpipe.spec.mistake import Path, Place, Problem
from kpipe.spec.node import Entry, Node, node_of
from kpipe.spec.override import STAGES, put_all, split

HERE = Place("pipeline")


@dataclass(frozen=True)
class Wrong:
    """What is wrong at a place; ``said``: by a validator, that may have looked at other values too."""

    problem: Problem
    said: bool


@dataclass(frozen=True)
class Answer:
    """The pipeline with the values in it, or what is wrong with it."""

    root: Node
    spec: BaseModel | None
    wrong: tuple[Wrong, ...] = ()

    def about(self, path: str) -> list[Wrong]:
        """What is wrong at the value, below it, or on the way to it; of a ``type``: with what it is the type of."""
        there = below_type(place_of(self.root, path))
        return [one for one in self.wrong if is_within(one.problem.path, there) or is_within(there, one.problem.path)]

    def value(self, path: str) -> Any:
        """The value with every default; None where there is none."""
        return None if self.spec is None else value_at(node_of(self.spec.model_dump(mode="json"), HERE), path)


@dataclass(frozen=True)
class WhatIf:
    """A pipeline as written, and the class that checks it."""

    spec_class: type[BaseModel]
    written: Mapping[str, Any]

    @property
    def root(self) -> Node:
        return node_of(self.written, HERE)

    def ask(self, values: Mapping[str, Any]) -> Answer:
        """What it would be with these values, by path."""
        root, nowhere = put_all(self.root, [(path, node_of(value, HERE)) for path, value in values.items()])
        wrong = [Wrong(Problem(at(one.path), one.message, one.hint, at(one.path)), said=False) for one in nowhere]
        try:
            spec = self.spec_class.model_validate(root.plain)
        except ValidationError as error:
            for one in errors_of(root, error):
                wrong += [Wrong(found, one.kind == "problems") for found in problems_of(self.spec_class, root, one)]
            return Answer(root, None, tuple(wrong))
        return Answer(root, None if wrong else spec, tuple(wrong))


def at(path: Path) -> Path:
    """A path of ``override``, whose positions in lists may be texts."""
    return tuple(int(part) if str(part).isdecimal() else part for part in path)


def is_within(path: Path, above: Path) -> bool:
    return path[: len(above)] == above


def below_type(path: Path) -> Path:
    """The component that a ``type`` is the type of; any other path is left as it is."""
    return path[:-1] if path[-1:] == ("type",) else path


def place_of(root: Node, path: str) -> Path:
    """Where a path leads: ``train.epochs -> ("train", 0, "epochs")``. What is not there is taken as it is written."""
    node: Node | None = root
    found: list[str | int] = []
    parts = path.split(".")
    while parts:
        if node is not None and node.is_list:
            one_stage = tuple(found) == STAGES and len(node.value) == 1 and not parts[0].isdecimal()
            key: str | int = 0 if one_stage else int(parts[0]) if parts[0].isdecimal() else parts[0]
            parts = parts if one_stage else parts[1:]
        elif tuple(found) == STAGES and parts[0] == "0" and len(parts) > 1:
            parts = parts[1:]
            continue
        else:
            key, rest = split(node, parts) if node is not None else (parts[0], parts[1:])
            parts = list(rest)
        found.append(key)
        node = node.child(key) if node is not None else None
    return tuple(found)


def value_at(root: Node, path: str) -> Any:
    """The plain value that a path leads to; None where there is none."""
    wanted = place_of(root, path)
    found = list(root.walk(wanted))
    return found[-1].plain if len(found) == len(wanted) + 1 else None


def filled(written: Mapping[str, Any], effective: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """``written`` with the defaults in which a path puts something: a position needs its list, an argument its
    optimizer."""
    root, whole = node_of(written, HERE), node_of(effective, HERE)
    for path in paths:
        root = with_defaults(root, whole, place_of(whole, path))
    plain: dict[str, Any] = root.plain
    return plain


def with_defaults(node: Node, whole: Node, path: Path) -> Node:
    if len(path) < 2:
        return node
    key, rest = path[0], path[1:]
    below, default = node.child(key), whole.child(key)
    if default is None or not (default.is_mapping or default.is_list):
        return node
    if below is not None and not (below.is_mapping or below.is_list):
        return node  # a name alone, which a default does not say more of
    changed = default if below is None else with_defaults(below, default, rest)
    if node.is_list:
        items: list[Node] = node.value
        return Node([changed if position == key else item for position, item in enumerate(items)], node.place)
    return node.with_entry(str(key), Entry(HERE, changed)) if node.is_mapping else node
