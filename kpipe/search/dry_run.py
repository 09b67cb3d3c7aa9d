"""Dry run: how large a search's space is, and what its first trials would be, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpipe.errors import SpecError
from kpipe.pipeline import Pipeline, axes, with_values
from kpipe.search.record import in_words, words
from kpipe.spec.mistake import dotted
from kpipe.tuning.axes import is_among
from kpipe.tuning.space import Axis, Choices, Range, short_names

LONGEST = 60
"""Letters of a value that are shown."""


@dataclass(frozen=True)
class Size:
    """How large a space is: the combinations of what can be counted, and the ranges that cannot."""

    combinations: int
    ranges: int

    def __str__(self) -> str:
        ranges = f"{self.ranges} range{'s' * (self.ranges > 1)} without steps" if self.ranges else ""
        if self.combinations == 1:
            return ranges or "1 combination"
        return f"{self.combinations:,} combinations" + (f" x {ranges}" if ranges else "")


def describe(axes: Sequence[Axis]) -> Size:
    """The size of a space. A path whose ``when`` does not hold makes no difference, and is not counted."""
    sizes = (combinations(group) for group in connected(axes))
    return Size(prod(sizes), sum(axis.values is None for axis in axes))


def connected(axes: Sequence[Axis]) -> list[list[Axis]]:
    """The axes in groups that no ``when`` connects: their combinations multiply."""
    groups: list[list[Axis]] = []
    for axis in axes:
        touched = [group for group in groups if any(other.path in axis.dimension.when for other in group)]
        groups = [group for group in groups if group not in touched]
        groups.append([*(other for group in touched for other in group), axis])
    return groups


def combinations(group: Sequence[Axis]) -> int:
    """The combinations of axes of which some depend on others: counted for each way in which those can stand that
    others depend on, where all values that no ``when`` names are alike."""
    named: dict[str, list[Any]] = {}
    for axis in group:
        for parent, values in axis.dimension.when.items():
            known = named.setdefault(parent, [])
            known += [value for value in values if not is_among(value, known)]
    by_path = {axis.path: axis for axis in group}
    ways = [ways_of(by_path[path], values) for path, values in named.items()]
    found: dict[tuple[tuple[str, int | None], ...], int] = {}
    for way in product(*ways):
        chosen = dict(zip(named, way, strict=True))
        active = [axis for axis in group if is_active(axis, chosen, by_path)]
        paths = {axis.path for axis in active}
        same = tuple((path, number) for path, (number, _, _) in chosen.items() if path in paths)
        found[same] = prod(chosen[axis.path][1] if axis.path in chosen else number_of(axis) for axis in active)
    return sum(found.values())


Way = tuple[int | None, int, Any]
"""How a path stands that others depend on: the place of the value that they name (None: one of the others), how many
values that is, and the value."""


def ways_of(axis: Axis, named: Sequence[Any]) -> list[Way]:
    ways: list[Way] = [(place, 1, value) for place, value in enumerate(named)]
    others = number_of(axis) - len(named)
    return [*ways, (None, others, None)] if others > 0 else ways


def is_active(axis: Axis, chosen: Mapping[str, Way], by_path: Mapping[str, Axis]) -> bool:
    """Whether an axis is searched where those that others depend on stand like this."""
    return all(
        chosen[parent][0] is not None
        and is_among(chosen[parent][2], values)
        and is_active(by_path[parent], chosen, by_path)
        for parent, values in axis.dimension.when.items()
    )


def number_of(axis: Axis) -> int:
    return 1 if axis.values is None else len(axis.values)


@dataclass(frozen=True)
class Sample:
    """A trial that would be run; ``refused`` says what its values come to that cannot be, else it is empty."""

    values: Mapping[str, Any]
    refused: str = ""


def sample(pipeline: Pipeline, trials: Sequence[Mapping[str, Any]]) -> Iterator[Sample]:
    """The trials, each held against the checks of a pipeline."""
    for values in trials:
        try:
            with_values(pipeline, values)
        except SpecError as error:
            first = error.mistakes[0]
            yield Sample(values, f"{dotted(first.path)}: {first.message}" if first.path else first.message)
        else:
            yield Sample(values)


def dry_run(pipeline: Pipeline, console: Console, trials: Sequence[Mapping[str, Any]]) -> None:
    """Prints the size of the space, its paths, and the trials."""
    search, space = pipeline.tune, axes(pipeline)
    if search is None:
        return
    most = f"{search.max_trials} trials" if search.max_trials is not None else "all trials"
    aim = "maximise" if search.best == "max" else "minimise"
    paths = f"{len(space)} hyperparameter{'s' * (len(space) > 1)}"
    console.print(f"{search.type}, {most}, {aim} {search.objective} over {paths}: {describe(space)}", soft_wrap=True)
    console.print()
    console.print(table_of(space))
    names = short_names([axis.path for axis in space])
    for number, one in enumerate(sample(pipeline, trials)):
        if number == 0:
            console.print()
        values = "   ".join(f"{names.get(path, path)} {shown(value)}" for path, value in one.values.items())
        console.print(f"{number:02d}  {values or 'the pipeline as it is'}", soft_wrap=True)
        if one.refused:
            console.print(f"    refused: {one.refused}", soft_wrap=True)


def table_of(space: Sequence[Axis]) -> Table:
    """The space, a line for each path."""
    names = short_names([axis.path for axis in space])
    columns = ["hyperparameter", "kind", "values", "own value", "when"]
    if not any(axis.dimension.when for axis in space):
        columns.remove("when")
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.columns[0].no_wrap = True
    for axis in space:
        conditions = [
            f"{names[parent]} is {' or '.join(map(shown, values))}" for parent, values in axis.dimension.when.items()
        ]
        values = in_words(axis.dimension.model_copy(update={"when": {}}))
        own = "" if axis.default is None else shown(axis.default)
        cells = (names[axis.path], kind_of(axis), values, own, "; ".join(conditions))
        table.add_row(*map(Text, cells[: len(columns)]))
    return table


def kind_of(axis: Axis) -> str:
    """``8 whole numbers``, ``numbers``, ``4 choices``, ``true or false``."""
    if isinstance(axis.dimension, Choices):
        return f"{len(axis.dimension.choices)} choices"
    if isinstance(axis.dimension, Range):
        count = "" if axis.values is None else f"{len(axis.values):,} "
        return f"{count}{'whole ' if axis.whole else ''}numbers"
    return "true or false"


def shown(value: Any) -> str:
    text = words(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
