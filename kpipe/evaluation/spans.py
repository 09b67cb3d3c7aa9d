"""Spans: the entities that tags such as B-PER, I-PER, O stand for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

ENTITY = re.compile(r"O|[BIESLU]-.+", re.DOTALL)


class Span(NamedTuple):
    """Steps from ``begin`` up to, not with, ``end``, and what they are."""

    begin: int
    end: int
    name: str


def are_entities(names: Sequence[str]) -> bool:
    """Whether all tags are written as in BIO, IOBES or BILOU, and there is an O."""
    return "O" in names and len(names) > 1 and all(ENTITY.fullmatch(name) for name in names)


def spans(tags: Sequence[str]) -> list[Span]:
    """The entities of one sequence, as CoNLL's own script reads them.

    B, S and U begin one; I, E and L too, where none of their name is open. E, S, L and U end it with their own step,
    O and every beginning before theirs.
    """
    found: list[Span] = []
    begin, open_name = 0, ""
    for step, tag in enumerate([*tags, "O"]):
        mark, _, name = tag.partition("-")
        begins = mark in ("B", "S", "U") or (mark in ("I", "E", "L") and name != open_name)
        if open_name and (begins or mark == "O"):
            found.append(Span(begin, step, open_name))
            open_name = ""
        if begins:
            begin, open_name = step, name
        if mark in ("E", "S", "L", "U"):
            found.append(Span(begin, step + 1, name))
            open_name = ""
    return found
