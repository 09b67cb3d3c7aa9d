"""Override: values put in by path, as ``--set model.dropout=0.2`` and the trials of a search do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kpipe.errors import SpecError
from kpipe.spec.merge import keras_name, merge
from kpipe.spec.mistake import Mistake, Path, Place, printable
from kpipe.spec.node import Entry, Node, node_of
from kpipe.spec.yaml import MAX_DEPTH, parse

STAGES = ("train",)
"""The sections where a mapping stands for a list of one."""


def override(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` with other values: ``override(data, {"model.dropout": 0.2})``. ``data`` stays as it is.

    Raises: SpecError: a path that leads nowhere.
    """
    root = node_of(data, Place("pipeline"))
    wanted = [(path, node_of(value, Place(f"{path}={value}"))) for path, value in values.items()]
    root, mistakes = put_all(root, wanted)
    if mistakes:
        raise SpecError(mistakes)
    plain: dict[str, Any] = root.plain
    return plain


def apply(root: Node, overrides: Sequence[str]) -> tuple[Node, tuple[Mistake, ...]]:
    """The tree with ``path=value`` texts put in; the values are read as YAML."""
    mistakes: list[Mistake] = []
    wanted: list[tuple[str, Node]] = []
    for text in overrides:
        place = Place(f"--set {printable(text, 100)}")
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            mistakes.append(Mistake(place, (), "no value", "write --set model.dropout=0.2"))
            continue
        parsed = parse(value, place.source)
        mistakes += parsed.mistakes
        if parsed.root is not None:
            wanted.append((path.strip(), parsed.root))
    root, more = put_all(root, wanted)
    return root, (*mistakes, *more)


def put_all(root: Node, wanted: Sequence[tuple[str, Node]]) -> tuple[Node, tuple[Mistake, ...]]:
    """Puts values in; a ``type`` before all else, as another type drops the fields that stand beside it."""
    mistakes: list[Mistake] = []
    for path, value in sorted(wanted, key=lambda item: not item[0].endswith(".type")):
        parts = path.split(".")
        try:
            if len(parts) > MAX_DEPTH:
                raise _NoWay((), f"a path of more than {MAX_DEPTH} parts")
            root = put(root, parts, value, ())
        except _NoWay as error:
            mistakes.append(Mistake(value.place, error.path, error.message, error.hint))
    return root, tuple(mistakes)


class _NoWay(Exception):
    def __init__(self, path: Path, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.path, self.message, self.hint = path, message, hint


def put(node: Node, parts: Sequence[str], value: Node, path: Path) -> Node:
    """``node`` with ``value`` at the end of the path."""
    if not parts:
        return value
    if node.is_list:
        return put_in_list(node, parts, value, path)
    if path == STAGES and parts[0] == "0":
        return put(node, parts[1:], value, path)
    node = as_mapping(node, parts[0], value.place, path)
    key, rest = split(node, parts) if path != ("expect",) else split_bounds(parts)
    if not rest and key == "type":
        return merge(node, Node({"type": Entry(value.place, value)}, node.place))
    if key[:1].isupper() and keras_name(node) not in (None, key):
        node = Node({}, node.place)
    there = node.entries.get(key)
    below = put(there.node if there else Node(None, value.place), rest, value, (*path, key))
    return node.with_entry(key, Entry(there.key if there and rest else value.place, below))


def put_in_list(node: Node, parts: Sequence[str], value: Node, path: Path) -> Node:
    items: list[Node] = node.value
    if path == STAGES and len(items) == 1 and not parts[0].isdecimal():
        return Node([put(items[0], parts, value, (*path, 0))], node.place)
    if not (parts[0].isascii() and parts[0].isdecimal() and int(parts[0][:9]) < len(items)):
        hint = f"positions: 0 to {len(items) - 1}" if items else "the list is empty: give the whole list"
        raise _NoWay((*path, parts[0]), "no such position in the list", hint)
    index = int(parts[0])
    changed = put(items[index], parts[1:], value, (*path, index))
    return Node([*items[:index], changed, *items[index + 1 :]], node.place)


def as_mapping(node: Node, part: str, place: Place, path: Path) -> Node:
    """What ``part`` is put into: a name alone stands for the component or the Keras object of that name."""
    if node.is_mapping:
        return node
    if node.value is None:
        return Node({}, place)
    if isinstance(node.value, str):
        if part[:1].isupper():
            return Node({node.value: Entry(node.place, Node({}, node.place))}, place)
        return Node({"type": Entry(node.place, node)}, place)
    kind = "a number" if isinstance(node.value, (int, float)) else "a value"
    raise _NoWay(path, f"{node.value!r} is {kind}: it has no field `{printable(part)}`")


def split(node: Node, parts: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The key to go into and the parts behind it; a key may hold dots itself, as those of ``tune.space`` do."""
    for length in range(len(parts), 1, -1):
        key = ".".join(parts[:length])
        if key in node.entries:
            return key, parts[length:]
    return parts[0], parts[1:]


def split_bounds(parts: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Under ``expect`` keys are names of metrics, which hold dots, whether they are there yet or not."""
    length = len(parts) - (len(parts) > 1 and parts[-1] in ("min", "max"))
    return ".".join(parts[:length]), parts[length:]
