"""Axes: a search's space, with what the pipeline itself says about each path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kpipe.spec.mistake import printable
from kpipe.spec.node import node_of
from kpipe.spec.received import received
from kpipe.tuning.space import AnyDimension, Axis, Choices, Range
from kpipe.tuning.what_if import HERE, Answer, WhatIf

Space = Mapping[str, AnyDimension]


def axes_of(what_if: WhatIf, space: Space) -> tuple[Axis, ...]:
    """The axes of a space that is right, what a ``when`` names before those that depend on it."""
    base = what_if.ask({})
    found: dict[str, Axis] = {}
    for path in ordered(space):
        own = own_value(what_if, base, path, space[path]) if holds(space[path], found) else None
        found[path] = Axis(path, space[path], is_whole(what_if, space, path), own)
    return tuple(found.values())


def ordered(space: Space) -> list[str]:
    """The paths, each behind those that its ``when`` names; otherwise as they are written."""
    found: dict[str, None] = {}

    def put(path: str) -> None:
        if path not in found:
            for parent in space[path].when:
                put(parent)
            found[path] = None

    for path in space:
        put(path)
    return list(found)


def holds(dimension: AnyDimension, axes: Mapping[str, Axis]) -> bool:
    """Whether the dimension is searched where the others have the pipeline's own values."""
    return all(is_among(axes[parent].default, values) for parent, values in dimension.when.items())


def own_value(what_if: WhatIf, base: Answer, path: str, dimension: AnyDimension) -> Any:
    """The pipeline's own value; of choices: the one that comes to the same, as it is written there, else None."""
    own = base.value(path)
    if not isinstance(dimension, Choices) or own is None:
        return own
    return next((one for one in dimension.choices if is_same(what_if.ask({path: one}).value(path), own)), None)


def is_whole(what_if: WhatIf, space: Space, path: str) -> bool:
    """Whether a range is over whole numbers: both ends are, and the field refuses what is between."""
    span = space[path]
    if not (isinstance(span, Range) and isinstance(span.min, int) and isinstance(span.max, int)):
        return False
    around = contexts(space, path)[0]
    return any(what_if.ask({**around, path: between}).about(path) for between in (span.min + 0.5, span.max - 0.5))


def contexts(space: Space, path: str) -> list[dict[str, Any]]:
    """Values with which the ``when`` of a path holds: each value that it names stands in one of them at least."""
    when = space[path].when
    found = []
    for turn in range(max(map(len, when.values()), default=1)):
        around: dict[str, Any] = {}
        for parent, values in when.items():
            around |= contexts(space, parent)[0] | {parent: values[min(turn, len(values) - 1)]}
        found.append(around)
    return found


def rests_on(space: Space, path: str) -> set[str]:
    """The path, and those that its ``when`` leads to."""
    found: set[str] = set()
    waiting = [path]
    while waiting:
        known = waiting.pop()
        if known not in found:
            found.add(known)
            waiting += space[known].when if known in space else ()
    return found


def is_same(one: Any, other: Any) -> bool:
    """Equal; a list is a tuple, but true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(
        node_of(one, HERE).plain == node_of(other, HERE).plain
    )


def is_among(value: Any, values: Sequence[Any]) -> bool:
    return any(is_same(value, other) for other in values)


def shown(value: Any) -> str:
    """A value as one would write it, in a few words."""
    if isinstance(value, (list, tuple)):
        return printable(f"[{', '.join(map(shown, value))}]")
    if isinstance(value, Mapping):
        return printable(f"{{{', '.join(f'{key}: {shown(inner)}' for key, inner in value.items())}}}")
    return printable(value) if isinstance(value, str) else "null" if value is None else received(value, kind=False)
