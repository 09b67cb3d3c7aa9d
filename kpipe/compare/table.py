"""Table: a comparison in the terminal, a column for each side, as many beside each other as find room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpipe.compare.differences import Difference, words
from kpipe.compare.kept import Side
from kpipe.compare.rows import Section, ranked, score
from kpipe.report import number
from kpipe.results import HEADLINE

WIDEST = 34
"""Letters of a column; what is longer goes on in the next line."""
MOST_PACKAGES = 8
MOST_METRICS = 3
"""Of a group, in the terminal."""


def print_comparison(names: Sequence[str], sections: Sequence[Section], console: Console) -> None:
    """All sections, with each side in a column; metrics of single classes are for the page."""
    rows = {section.title: found for section in sections if (found := shown_rows(section))}
    widths = [
        min(WIDEST, max([len(name), *(len(cells[at]) for found in rows.values() for _, cells in found if cells)]))
        for at, name in enumerate(names)
    ]
    first = max(len(name) + 2 for found in rows.values() for name, _ in found)
    for part in parts(widths, console.width - first - 2):
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("", no_wrap=True)
        for at in part:
            table.add_column(names[at], overflow="fold", max_width=WIDEST)
        for title, found in rows.items():
            if title:
                table.add_row(Text(title, style="bold"))
            for name, cells in found:
                table.add_row(f"  {name}" if title else name, *(Text(cells[at]) for at in part if cells))
        console.print(table)
        console.print()
    for section in sections:
        for line in section.note.splitlines():
            told = f"{section.title}: " if section.title not in ("test", "validation") else ""
            console.print(told + line, soft_wrap=True)


def shown_rows(section: Section) -> list[tuple[str, tuple[str, ...]]]:
    """Without single classes, and without all too many packages."""
    rows = [row for row in section.rows if section.title not in ("test", "validation") or "/" not in row.name]
    packages = [row for row in rows if row.name.startswith("package ")]
    hidden = packages[MOST_PACKAGES:]
    found = [(row.name, row.cells) for row in rows if row not in hidden]
    return [*found, (f"and {len(hidden)} more packages", ())] if hidden else found


def parts(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """The columns that stand beside each other, block by block."""
    part: list[int] = []
    for at, width in enumerate(widths):
        if part and sum(widths[one] + 2 for one in part) + width > room:
            yield part
            part = []
        part.append(at)
    yield part


def print_differences(names: tuple[str, str], found: Sequence[Difference], console: Console) -> None:
    """A line for each path, with both values."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(one.path, *(Text(words(value)) for value in one.values))
    console.print(table)


def print_seeds(side: Side, console: Console) -> None:
    """A line for each seed, and the mean of all with its interval."""
    single = ranked(name for name in side.metrics if name.count("/") == 1)
    telling = [name for name in single if name.partition("/")[2] in HEADLINE]
    metrics = (telling or single)[:MOST_METRICS]
    table = Table("seed", "run", box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for metric in metrics:
        table.add_column(metric.removeprefix("test/"), justify="right")
    for kept in side.runs:
        missing = "–" if kept.run.status == "FINISHED" else kept.run.status.lower()
        values = [number(kept.metrics[metric]) if metric in kept.metrics else missing for metric in metrics]
        table.add_row(str(kept.seed), kept.name, *values)
    table.add_row("mean", "95 % interval", *(score(side, metric) for metric in metrics), style="bold")
    console.print(table)
