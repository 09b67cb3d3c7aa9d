"""Merge: one tree of nodes over another, as ``extends`` and ``--set`` do it."""

from __future__ import annotations

import re

from kpipe.spec.node import Entry, Node

COMPONENT_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def merge(base: Node, over: Node) -> Node:
    """``over`` on ``base``: mappings merge key by key, lists and scalars replace.

    Where ``type`` changes, or the Keras object's name, the fields of the old one mean nothing: ``over`` replaces all.
    """
    if over.is_mapping and isinstance(base.value, str) and COMPONENT_NAME.match(base.value):
        base = Node({"type": Entry(base.place, base)}, base.place)
    if not (base.is_mapping and over.is_mapping) or is_another_thing(base, over):
        return over
    merged = dict(base.entries)
    for key, entry in over.entries.items():
        below = merged.get(key)
        merged[key] = entry if below is None else Entry(entry.key, merge(below.node, entry.node))
    return Node(merged, over.place)


def is_another_thing(base: Node, over: Node) -> bool:
    """Whether two mappings name different components or different Keras objects."""
    if not base.entries or not over.entries:
        return False
    old, new = base.child("type"), over.child("type")
    if old is not None and new is not None:
        return bool(old.value != new.value)
    if keras_name(base) or keras_name(over):
        return keras_name(base) != keras_name(over)
    return False


def keras_name(node: Node) -> str | None:
    """``{AdamW: {...}}`` -> ``AdamW``; None for anything else."""
    if len(node.entries) == 1:
        (name,) = node.entries
        return name if name[:1].isupper() else None
    return None
