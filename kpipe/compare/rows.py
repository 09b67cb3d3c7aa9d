"""Rows: what a comparison says, as a table by sections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kpipe.compare.differences import NOTHING, differences, words
from kpipe.compare.kept import MEASURED, Side
from kpipe.comparison import compare, interval, plus_minus
from kpipe.direction import direction_of
from kpipe.results import HEADLINE

MISSING = str(NOTHING.value)
SHORT = 12
"""Letters of a fingerprint that are shown."""


@dataclass(frozen=True)
class Row:
    """A line of the table: what it is about, and what each side says."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """Some rows under a heading; ``note`` stands below them, or for them where there are none."""

    title: str
    rows: tuple[Row, ...]
    note: str = ""


def sections(sides: Sequence[Side]) -> list[Section]:
    """Everything that differs, and all final metrics; of one side alone the metrics."""
    compared = [pipelines(sides), data(sides), environments(sides)] if len(sides) > 1 else []
    return [about(sides), *compared, *metrics(sides)]


def about(sides: Sequence[Side]) -> Section:
    """What is compared: of each side the status, and the runs of a group."""
    rows = []
    if any(side.is_group or side.wanted > 1 for side in sides):
        rows.append(Row("seeds", tuple(side.seeds for side in sides)))
    states = [", ".join(dict.fromkeys(kept.run.status.lower() for kept in side.runs)) for side in sides]
    rows.append(Row("status", tuple(states)))
    if any("expected" in kept.tags for side in sides for kept in side.runs):
        rows.append(Row("expected", tuple(map(expected, sides))))
    return Section("", tuple(rows))


def expected(side: Side) -> str:
    """Whether expectations were met; of a group, by which seeds not."""
    if not any("expected" in kept.tags for kept in side.runs):
        return MISSING
    missed = [str(kept.seed) for kept in side.runs if kept.misses]
    words = "not met" + (f" with seed {', '.join(missed)}" if side.is_group else "")
    return words if missed else "met"


def pipelines(sides: Sequence[Side]) -> Section:
    found = differences([side.written for side in sides])
    told = {"seed"} if any(side.is_group for side in sides) else set()  # in the first section
    rows = tuple(Row(one.path, tuple(map(words, one.values))) for one in found if one.path not in told)
    return Section("pipeline", rows, "" if rows else "the same")


def data(sides: Sequence[Side]) -> Section:
    """Splits depend on the seed, so that data are compared seed by seed."""
    rows = differing(sides, [[kept.data for kept in side.runs] for side in sides])
    prints = [{kept.seed: kept.fingerprint for kept in side.runs if kept.fingerprint} for side in sides]
    common = set.intersection(*(set(found) for found in prints))
    if not common:
        note = "no seed that all have: whether the data are the same cannot be told"
    elif all(len({found[seed] for found in prints}) == 1 for seed in common):
        note = "the same" if all(set(found) == common for found in prints) else "the same for the seeds that all have"
    else:
        seed = min(common)
        rows.append(Row(f"fingerprint, seed {seed}", tuple(found[seed][:SHORT] for found in prints)))
        note = "the data differ: the metrics are not of the same examples"
    return Section("data", tuple(rows), note)


def environments(sides: Sequence[Side]) -> Section:
    rows = differing(sides, [[kept.environment for kept in side.runs] for side in sides])
    return Section("environment", tuple(rows), "" if rows else "the same")


def differing(sides: Sequence[Side], facts: Sequence[Sequence[Mapping[str, str]]]) -> list[Row]:
    """What the sides say otherwise. That one says nothing tells something of a package alone: it is not installed."""
    names = dict.fromkeys(name for side in facts for found in side for name in found)
    rows = [
        Row(name, tuple(side.said(found, name) for side, found in zip(sides, facts, strict=True))) for name in names
    ]
    return [row for row in rows if len(set(row.cells) - ({MISSING} if "package " not in row.name else set())) > 1]


def metrics(sides: Sequence[Side]) -> Iterator[Section]:
    """The final metrics of each split; means and 95 % intervals where there are several seeds."""
    known = dict.fromkeys(name for side in sides for name in side.metrics)
    for split in MEASURED:
        names = ranked(name for name in known if name.startswith(f"{split}/"))
        rows = [Row(name.removeprefix(f"{split}/"), tuple(score(side, name) for side in sides)) for name in names]
        if rows:
            yield Section(split, tuple(rows), statement(sides, names[0]))


def ranked(names: Iterable[str]) -> list[str]:
    """Those that say most first; those of single classes or values last."""
    order = {name: position for position, name in enumerate(HEADLINE)}

    def rank(name: str) -> tuple[bool, int]:
        _, _, metric = name.partition("/")
        return "/" in metric, order.get(metric, len(order))

    return sorted(names, key=rank)


def score(side: Side, metric: str) -> str:
    """``0.9861``, of several seeds ``0.9861 +/- 0.0012``; says so where some have none."""
    found = side.scores(metric)
    if not found:
        return MISSING
    missing = len(side.runs) - len(found)
    return plus_minus(*interval(found)) + (f" (of {len(found)})" if missing else "")


def statement(sides: Sequence[Side], metric: str) -> str:
    """Whether the first group is really better than each of the others, over the seeds that both have."""
    direction = direction_of(metric.partition("/")[2])
    if direction is None:
        return ""
    lines = []
    first = sides[0].by_seed(metric)
    for other in sides[1:]:
        second = other.by_seed(metric)
        seeds = sorted(set(first) & set(second))
        if len(seeds) > 1:
            scores = [first[seed] for seed in seeds], [second[seed] for seed in seeds]
            lines.append(compare(*scores, direction, names=(sides[0].name, other.name)).statement)
    return "\n".join(f"{metric.partition('/')[2]}: {line}" for line in lines)
