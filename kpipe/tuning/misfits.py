"""Misfits: what of a search's space does not fit the pipeline that it searches around."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from kpipe.spec.mistake import Path, Problem, dotted, nearest, printable
from kpipe.spec.received import number, received
from kpipe.tuning.axes import Space, axes_of, contexts, holds, is_among, rests_on, shown
from kpipe.tuning.space import AnyDimension, Axis, Choices, Range, Switch, steps_of
from kpipe.tuning.what_if import Answer, WhatIf, Wrong, is_within, place_of, value_at

SEARCHED = ("data", "model", "train", "decode", "backend", "precision", "seed", "threads")
"""The sections of a pipeline that may be searched."""

DRAWS = 50
"""Draws of the other paths that are tried to tell an impossible corner of the space from a mistake."""


def misfits(what_if: WhatIf, space: Space, countable: bool = False) -> Iterator[Problem]:
    """What is wrong with the space; paths begin at it. The pipeline itself is right.

    ``countable``: each path must have values that can be counted.
    """
    base = what_if.ask({})
    found: dict[str, list[Problem]] = {path: [] for path in space}
    for path in space:
        found[path] += [*wrong_section(what_if, path), *wrong_choices(path, space[path]), *wrong_when(space, path)]
    for inner, problem in between_paths(space, base):
        found[inner].append(problem)
    sound = without(space, found)
    for path in sound:
        found[path] += wrong_values(what_if, sound, path) or wrong_around(what_if, sound, path)
    axes = {axis.path: axis for axis in axes_of(what_if, without(space, found))}
    for path, axis in axes.items():
        found[path] += wrong_step(axis)
        if countable and axis.values is None:
            message, hint = "a grid needs to know which values between", "give a `step`, or `choices`"
            found[path].append(Problem((path,), message, hint))
        if holds(axis.dimension, axes):
            found[path] += wrong_object(base, path) or list(wrong_own_value(base, axis))
    for problems in found.values():
        yield from problems


def without(space: Space, found: Mapping[str, Sequence[Problem]]) -> Space:
    """The part of the space where nothing is wrong, nor with what it depends on."""
    broken = {path for path, problems in found.items() if problems}
    return {path: dimension for path, dimension in space.items() if rests_on(space, path).isdisjoint(broken)}


def wrong_section(what_if: WhatIf, path: str) -> Iterator[Problem]:
    section = path.partition(".")[0]
    sections = [name for name in what_if.spec_class.model_fields if name in SEARCHED]
    if not all(path.split(".")):
        yield Problem((path,), "no path", "names with a point between them: model.dropout", (path,))
    elif section in what_if.spec_class.model_fields and section not in sections:
        yield Problem((path,), f"`{section}` cannot be searched", f"what can: {', '.join(sections)}", (path,))


def wrong_choices(path: str, dimension: AnyDimension) -> Iterator[Problem]:
    choices = dimension.choices if isinstance(dimension, Choices) else ()
    for position, choice in enumerate(choices):
        if choice in choices[:position]:
            yield Problem((path, "choices", position), f"{shown(choice)} is named twice", "take one of them out")


def wrong_when(space: Space, path: str) -> Iterator[Problem]:
    for parent, values in space[path].when.items():
        here = (path, "when", parent)
        if parent not in space:
            near = nearest(parent, [known for known in space if known != path])
            hint = f"did you mean `{near}`?" if near else "name a path that is searched itself"
            yield Problem(here, "not in the space", hint, here)
        elif path in rests_on(space, parent):
            message = "it waits for itself" if parent == path else "a circle: each waits for the other"
            yield Problem(here, message, "remove one `when`", here)
        elif (taken := values_of(space[parent])) is None:
            hint = f"give `{parent}` a `step`, or `choices`"
            yield Problem(here, "a range without steps, which hits no value exactly", hint, here)
        elif not values:
            yield Problem(here, "no values", f"one or several of: {', '.join(map(shown, taken))}")
        elif wrong := [value for value in values if not is_among(value, taken)]:
            hint = f"one or several of: {', '.join(map(shown, taken))}"
            if is_among(values, taken):
                hint = f"a list of values, of which one is a list: [{shown(values)}]"
            yield Problem(here, f"{shown(wrong[0])} is not a value of `{parent}`", printable(hint, 200))


def values_of(dimension: AnyDimension) -> Sequence[Any] | None:
    """What a dimension may be; None of a range without steps."""
    if isinstance(dimension, Range):
        return steps_of(dimension, isinstance(dimension.min, int) and isinstance(dimension.max, int))
    return dimension.choices if isinstance(dimension, Choices) else (False, True)


def between_paths(space: Space, base: Answer) -> Iterator[tuple[str, Problem]]:
    """Paths of which one is inside the other, or that want different Keras objects at one place."""
    places = {path: place_of(base.root, path) for path in space}
    for one, other in combinations(space, 2):
        outer, inner = sorted((one, other), key=lambda path: len(places[path]))
        if is_within(places[inner], places[outer]):
            how = "the same as" if places[inner] == places[outer] else "inside"
            yield inner, Problem((inner,), f"{how} `{outer}`, which is searched too", "search one of them", (inner,))
            continue
        pairs = zip(places[one], places[other], strict=False)
        first, second = next((str(a), str(b)) for a, b in pairs if a != b)
        if first[:1].isupper() and second[:1].isupper() and not exclude_each_other(space, one, other):
            above = other[: other.index(f".{second}")]
            hint = f"search `{above}` as a whole, by `choices`"
            yield other, Problem((other,), f"`{above}` cannot be {first} and {second} at once", hint, (other,))


def exclude_each_other(space: Space, one: str, other: str) -> bool:
    """Whether two paths are never searched in the same trial."""
    return any(
        not any(is_among(value, space[other].when[parent]) for value in values)
        for parent, values in space[one].when.items()
        if parent in space[other].when
    )


def candidates(dimension: AnyDimension) -> list[tuple[Path, Any]]:
    """The values that are checked, each with its place in the dimension."""
    if isinstance(dimension, Choices):
        return [(("choices", position), choice) for position, choice in enumerate(dimension.choices)]
    if isinstance(dimension, Switch):
        return [(("boolean",), True)]
    return [(("min",), dimension.min), (("max",), dimension.max)]


def wrong_values(what_if: WhatIf, space: Space, path: str) -> list[Problem]:
    """Ends or choices that the field does not take; where it takes none for one reason, what is wrong with the path."""
    for around in contexts(space, path):
        found: list[tuple[Path, Path, list[Problem]]] = []
        for where, value in candidates(space[path]):
            values = {**around, path: value}
            answer = what_if.ask(values)
            wrong = answer.about(path)
            if all(one.said for one in wrong) and wrong and fits_elsewhere(what_if, space, values):
                wrong = []
            found.append((where, place_of(answer.root, path), [one.problem for one in wrong]))
        for _, place, problems in found[:1]:
            of_path = [one for one in problems if on_the_way(one, place) and all(one in more for _, _, more in found)]
            if of_path:
                return [at_path(path, place, of_path[0], around)]
        if wrong_ones := [at_value(path, where, place, one) for where, place, found_ in found for one in found_]:
            return wrong_ones
    return []


def fits_elsewhere(what_if: WhatIf, space: Space, values: Mapping[str, Any]) -> bool:
    """Whether values that a validator refuses fit with other values of the other paths: such a corner of the space is
    left to the search."""
    others = {path: values_of(space[path]) or ends(space[path]) for path in space if path not in values}
    alone = [{path: value} for path, possible in others.items() for value in possible[:DRAWS]]
    chance = random.Random(0)  # noqa: S311 (the same draws each time)
    drawn = [{path: chance.choice(possible) for path, possible in others.items()} for _ in alone and range(DRAWS)]
    return any(what_if.ask({**values, **other}).spec is not None for other in (*alone[:DRAWS], *drawn))


def ends(dimension: AnyDimension) -> Sequence[Any]:
    return (dimension.min, dimension.max) if isinstance(dimension, Range) else ()


def on_the_way(problem: Problem, place: Path) -> bool:
    """Whether a problem is one of the path: it ends before, or a name in it is unknown."""
    early = len(problem.path) < len(place) and is_within(place, problem.path)
    return early or (problem.key is not None and is_within(place, problem.key))


def at_path(path: str, place: Path, problem: Problem, around: Mapping[str, Any]) -> Problem:
    said = problem.message if problem.path in (place, ()) else f"`{dotted(problem.path)}`: {problem.message}"
    where = " and ".join(f"`{parent}` is {shown(value)}" for parent, value in around.items())
    return Problem((path,), f"{said} where {where}" if where else said, problem.hint, (path,))


def at_value(path: str, where: Path, place: Path, problem: Problem) -> Problem:
    here = (path, *where)
    if not is_within(problem.path, place):
        said = f"`{dotted(problem.path)}`: {problem.message}" if problem.path else problem.message
        return Problem(here, said, problem.hint)
    inside = problem.key is not None and len(problem.key) > len(place)
    key = (*here, *problem.key[len(place) :]) if problem.key is not None and inside else None
    return Problem((*here, *problem.path[len(place) :]), problem.message, problem.hint, key)


def wrong_around(what_if: WhatIf, space: Space, path: str) -> list[Problem]:
    """A field that is gone where the ``type`` above it is another one of the space."""
    around, (_, value) = contexts(space, path)[0], candidates(space[path])[0]
    for other, dimension in space.items():
        above, _, last = other.rpartition(".")
        if last != "type" or not path.startswith(f"{above}.") or other in rests_on(space, path):
            continue
        kinds = values_of(dimension) or ()
        gone = [kind for kind in kinds if is_gone(what_if.ask({**around, other: kind, path: value}).about(path))]
        if gone:
            kept = [kind for kind in kinds if kind not in gone]
            message = f"not there where `{other}` is {' or '.join(map(shown, gone))}"
            hint = f"when: {{{other}: {shown(kept[0] if len(kept) == 1 else kept)}}}"
            return [Problem((path,), message, hint, (path,))]
    return []


def is_gone(wrong: Sequence[Wrong]) -> bool:
    return any(not one.said for one in wrong)


def wrong_object(base: Answer, path: str) -> list[Problem]:
    """An argument of a Keras object that the pipeline does not have: each trial would have lost its own."""
    parts = path.split(".")
    for place, name in enumerate(parts):
        above = ".".join(parts[:place])
        own = base.value(above) if name[:1].isupper() else None
        named = next(iter(own), None) if isinstance(own, Mapping) else own
        if isinstance(named, str) and named[:1].isupper() and named != name:
            hint = f"write {above}.{named}, or search `{above}` as a whole, by `choices`"
            return [Problem((path,), f"the pipeline's `{above}` is {named}", hint, (path,))]
    return []


def wrong_own_value(base: Answer, axis: Axis) -> Iterator[Problem]:
    dimension, own = axis.dimension, base.value(axis.path)
    if own is None or isinstance(dimension, Switch):
        return
    if isinstance(dimension, Choices):
        inside, what, hint = axis.default is not None, "not among the choices", "add it"
    else:
        inside = isinstance(own, (int, float)) and dimension.min <= own <= dimension.max
        what, hint = f"outside [{number(dimension.min)}, {number(dimension.max)}]", "widen the range"
    if not inside:
        written = value_at(base.root, axis.path)
        own = shown(own if written is None else written)
        yield Problem((axis.path,), f"the pipeline's own value, {own}, is {what}", f"{hint}, or change `{axis.path}`")


def wrong_step(axis: Axis) -> Iterator[Problem]:
    step = axis.dimension.step if isinstance(axis.dimension, Range) else None
    if axis.whole and isinstance(step, float):
        hint = "the values are whole numbers"
        yield Problem((axis.path, "step"), f"expected a whole number, received {received(step)}", hint)
