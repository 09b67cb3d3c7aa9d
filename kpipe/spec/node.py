"""Node: plain data that remembers where each key and value was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from kpipe.spec.mistake import Path, Place


class Entry(NamedTuple):
    """A key's place and the value under it."""

    key: Place
    node: Node


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a list of nodes, or a mapping of entries, at its place. Never changed once made."""

    value: Any
    place: Place

    @property
    def entries(self) -> dict[str, Entry]:
        """The entries of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    @property
    def plain(self) -> Any:
        """The data without the places, as new dicts and lists."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain for node in self.value]
        return self.value

    def child(self, part: str | int) -> Node | None:
        """The value under a key or at a list position, if there is one."""
        if isinstance(self.value, dict) and isinstance(part, str):
            entry = self.value.get(part)
            return None if entry is None else entry.node
        if isinstance(self.value, list) and isinstance(part, int) and 0 <= part < len(self.value):
            found: Node = self.value[part]
            return found
        return None

    def with_entry(self, key: str, entry: Entry) -> Node:
        """A mapping in which ``key`` has another value."""
        return Node({**self.entries, key: entry}, self.place)

    def walk(self, path: Path) -> Iterator[Node]:
        """This node and those on the way along ``path``, as far as it exists."""
        node: Node | None = self
        yield self
        for part in path:
            node = node.child(part) if node is not None else None
            if node is None:
                return
            yield node


def node_of(data: Any, place: Place) -> Node:
    """Nodes for data made in Python: mappings, lists and tuples, anything else as a scalar, all at one place."""
    if isinstance(data, Mapping):
        return Node({str(key): Entry(place, node_of(value, place)) for key, value in data.items()}, place)
    if isinstance(data, (list, tuple)):
        return Node([node_of(item, place) for item in data], place)
    return Node(data, place)
