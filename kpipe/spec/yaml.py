"""YAML text, safely, into nodes: plain data only, YAML 1.2 scalars, bounded, every mistake with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from kpipe.spec.mistake import Mistake, Path, Place, printable
from kpipe.spec.node import Entry, Node
from kpipe.spec.scalar import BOOL, FLOAT, INT, resolve
from kpipe.spec.text import Text, Unreadable, decode
from kpipe.spec.yaml_words import explain

MAX_NODES: Final = 100_000
MAX_DEPTH: Final = 50

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Parsed:
    """What was read. ``root`` is None when the text cannot be read to its end."""

    root: Node | None
    mistakes: tuple[Mistake, ...] = ()
    text: str = ""


def parse(raw: str | bytes, source: str) -> Parsed:
    """Reads one YAML document. Never raises for what stands in the text; an empty text is a null."""
    text = Text(source, "")
    mistakes: list[Mistake] = []
    try:
        text = Text(source, decode(raw, source))
        root = _Tree(text, mistakes).read(yaml.parse(text.content, Loader=LOADER))
    except Unreadable as error:
        return Parsed(None, (*mistakes, error.mistake), text.content)
    except yaml.MarkedYAMLError as error:
        return Parsed(None, (*mistakes, explain(error, text)), text.content)
    return Parsed(root, tuple(mistakes), text.content)


@dataclass
class _Frame:
    """A mapping or list that is being read."""

    value: dict[str, Entry] | list[Node]
    place: Place
    anchor: str | None
    first_node: int
    height: int = 1
    key: str | None = None
    key_place: Place | None = None
    skips: bool = False


@dataclass
class _Anchored:
    node: Node
    size: int
    height: int


@dataclass
class _Tree:
    """Builds nodes from the parser's events with a stack of its own: no recursion, and every node is counted."""

    text: Text
    mistakes: list[Mistake]
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    count: int = 0

    def read(self, events: Iterator[Event]) -> Node:
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.stop(event, "a second document begins here", "one pipeline a file: remove the line `---`")
            elif isinstance(event, NodeEvent):
                root = self.open(event) or root
            elif isinstance(event, CollectionEndEvent):
                root = self.close(event) or root
        return root or Node(None, Place(self.text.source, 1, 1, 1, self.text.line(1)))

    def open(self, event: NodeEvent) -> Node | None:
        """Takes a scalar, an alias, or the beginning of a collection; gives a root that is complete."""
        if isinstance(event, AliasEvent):
            return self.alias(event)
        assert isinstance(event, (ScalarEvent, CollectionStartEvent))
        self.count += 1
        self.check_bounds(event, height=1)
        if event.tag is not None:
            tag = printable(event.tag.replace("tag:yaml.org,2002:", "!!"))
            self.stop(event, f"the tag `{tag}` is not read: only plain data is", "remove it")
        place = self.place(event)
        if isinstance(event, ScalarEvent):
            if self.wants_key():
                self.take_key(event, place)
                return None
            value = resolve(event.value) if event.implicit[0] else event.value
            return self.attach(Node(value, place), event.anchor, size=1, height=0)
        if self.wants_key():
            self.stop(event, "a key must be a word, not a list or a mapping", "quote it if it is meant as text")
        empty: dict[str, Entry] | list[Node] = {} if isinstance(event, MappingStartEvent) else []
        self.stack.append(_Frame(empty, place, event.anchor, self.count))
        return None

    def close(self, event: CollectionEndEvent) -> Node | None:
        frame = self.stack.pop()
        size = self.count - frame.first_node + 1
        place, end = frame.place, event.end_mark
        assert end is not None
        if place.line == end.line + 1 and place.text[place.column - 1] in "[{":
            place = replace(place, length=end.column + 1 - place.column)
        return self.attach(Node(frame.value, place), frame.anchor, size, frame.height)

    def alias(self, event: AliasEvent) -> Node | None:
        name = event.anchor or ""
        if self.wants_key():
            self.stop(event, f"the alias `*{name}` cannot be a key", "write the key itself")
        if any(frame.anchor == name for frame in self.stack):
            self.stop(event, f"the alias `*{name}` stands inside what it repeats", "it would never end: remove it")
        target = self.anchors.get(name)
        if target is None:
            known = f"known here: {', '.join(self.anchors)}" if self.anchors else "no `&name` stands before it"
            self.stop(event, f"the alias `*{printable(name)}` names nothing", known)
        self.count += target.size
        self.check_bounds(event, target.height)
        return self.attach(target.node, None, target.size, target.height)

    def attach(self, node: Node, anchor: str | None, size: int, height: int) -> Node | None:
        """Puts a complete node where it belongs; gives it back when it is the root."""
        if anchor is not None:
            self.anchors[anchor] = _Anchored(node, size, height)
        if not self.stack:
            return node
        frame = self.stack[-1]
        frame.height = max(frame.height, height + 1)
        if isinstance(frame.value, list):
            frame.value.append(node)
        else:
            assert frame.key is not None
            assert frame.key_place is not None
            if not frame.skips:
                frame.value[frame.key] = Entry(frame.key_place, node)
            frame.key = None
        return None

    def wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def take_key(self, event: ScalarEvent, place: Place) -> None:
        """Keys are text: ``1`` and ``no`` are read as they are written."""
        frame, key = self.stack[-1], event.value
        assert isinstance(frame.value, dict)
        if event.implicit[0] and key in ("", "~"):
            self.stop(event, "a key is missing before this `:`", "write the field's name")
        is_merge = event.implicit[0] and key == "<<"
        if is_merge:
            self.mistake(place, "merge keys (`<<`) are not read", "use `extends: other.yaml`, or write the fields out")
        elif key in frame.value:
            first = frame.value[key].key.line
            self.mistake(
                place, f"`{printable(key)}` is written twice", f"first on line {first}: remove one of them", key
            )
        frame.key, frame.key_place, frame.skips = key, place, is_merge or key in frame.value

    def path(self) -> Path:
        """The path of the collection that is being read."""
        above = self.stack[:-1]
        return tuple(len(frame.value) if isinstance(frame.value, list) else frame.key or "" for frame in above)

    def check_bounds(self, event: NodeEvent, height: int) -> None:
        if self.count > MAX_NODES:
            self.stop(event, f"the file holds more than {MAX_NODES:,} values with its aliases written out", "use fewer")
        if len(self.stack) + height > MAX_DEPTH:
            self.stop(event, f"nested more than {MAX_DEPTH} levels deep", "a pipeline needs less than ten")

    def place(self, event: Event) -> Place:
        start, end = event.start_mark, event.end_mark
        assert start is not None
        assert end is not None
        length = end.column - start.column if end.line == start.line else None
        return self.text.place(start.line, start.column, length)

    def mistake(self, place: Place, message: str, hint: str, *path: str) -> None:
        self.mistakes.append(Mistake(place, (*self.path(), *path), message, hint))

    def stop(self, event: Event, message: str, hint: str) -> NoReturn:
        raise Unreadable(Mistake(self.place(event), (), message, hint))


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 or 1.2 would read as something else than a string."""


for _tag, _pattern, _first in (("float", FLOAT, "-+.0123456789"), ("int", INT, "-+0123456789"), ("bool", BOOL, "tTfF")):
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:kpipe-{_tag}", _pattern, list(_first))


def dump(data: Any) -> str:
    """YAML text that ``parse`` reads back as the same data, and so does any YAML 1.1 reader."""
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    if any(odd in text for odd in "\x85\u2028\u2029"):  # PyYAML writes these as they are, and they read back as spaces
        return yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=110)
    return text
