"""What `kpipe parity` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from kpipe.parity.report import PartReport, Report, Row

WORDS = {
    "examples": "other examples",
    "batch": "first batch",
    "weights": "weights",
    "layers": "layers",
    "gradients": "gradients",
    "loss": "loss",
    "metrics": "metrics",
}
MOST_NAMES = 6


def print_report(report: Report, console: Console) -> None:
    first = report.backends[0]
    start = f", all from the weights of {first}" if report.from_reference else ""
    console.print(f"{report.pipeline}   {report.steps} steps on {', '.join(report.backends)}{start}", soft_wrap=True)
    console.print(f"largest differences from {first}, and what is allowed\n")
    for part in report.parts:
        console.print(part.name)
        console.print(table(part.rows))
        console.print()
    console.print(metrics_table(report))
    console.print(table(report.last))
    console.print()
    for subject, text in lines(report):
        print_beside(subject, text, console)


def table(rows: Sequence[Row]) -> Table:
    """A line for each comparison; of one width, so that those of all parts stand below each other."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for name, width in (("", 14), ("backend", 10), ("difference", 8), ("allowed", 16)):
        right = name == "difference"
        drawn.add_column(name, justify="right" if right else "left", no_wrap=True, min_width=width)
    drawn.add_column("where", overflow="fold")
    for what, words in WORDS.items():
        for place, row in enumerate(row for row in rows if row.what == what):
            name = words if place == 0 else ""
            drawn.add_row(name, row.backend, number_words(row.difference), allowed_words(row), row.where)
    return drawn


def allowed_words(row: Row) -> str:
    """``of 1.0e-05``, ``beyond 1.0e-05``; of what is only told nothing."""
    if row.allowed is None:
        return ""
    return f"{'beyond' if row.beyond else 'of'} {number_words(row.allowed)}"


def metrics_table(report: Report) -> Table:
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    drawn.add_column("validation")
    for backend in report.backends:
        drawn.add_column(backend, justify="right")
    for name, values in report.metrics.items():
        if "/" in name:  # of a class or a column
            continue
        drawn.add_row(name, *(f"{values[one]:.6f}" if one in values else "-" for one in report.backends))
    return drawn


def number_words(number: float) -> str:
    """``0``, ``3.1e-07``, ``12``."""
    return f"{number:.0f}" if number == int_or_nan(number) else f"{number:.1e}"


def int_or_nan(number: float) -> float:
    return float(int(number)) if abs(number) < 1e6 else float("nan")


def lines(report: Report) -> Iterator[tuple[str, str]]:
    """What is to be said beside the numbers."""
    for part in report.parts:
        yield from departures(part, f"{part.name}: " if len(report.parts) > 1 else "")
    for row in report.last:
        if row.beyond:
            yield row.backend, f"{WORDS[row.what]}: the first beyond is {row.first}"
    random = dict.fromkeys(name for part in report.parts for name in part.random)
    if random:
        how = "left on, drawing alike on every backend" if report.random else "switched off (--random leaves them on)"
        yield "random", f"{how}: {few(list(random))}"
    for backend, names in report.alone.items():
        yield backend, f"layers that it or {report.backends[0]} has alone, compared with nothing: {few(names)}"
    verdict = "parity" if report.agrees else f"no parity: {len(report.beyond)} beyond what is allowed"
    yield "result", verdict


def few(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def departures(part: PartReport, where: str) -> Iterator[tuple[str, str]]:
    """Where each backend first goes its own way."""
    for row in part.rows:
        if not row.beyond:
            continue
        if row.what == "loss":
            course = part.courses[row.backend]
            growth = f", and grows tenfold in {course.tenfold:.1f} steps" if course.tenfold else ""
            yield row.backend, f"{where}the loss departs at step {course.departs}{growth}"
        elif row.what == "layers":
            yield row.backend, f"{where}the first layer that departs is {row.first}"
        else:
            yield row.backend, f"{where}{WORDS[row.what]}: the first beyond is {row.first}"


def print_beside(word: str, text: str, console: Console) -> None:
    """A word in the margin, and text that wraps beside it."""
    margin = f"{word:<11}"
    for line in textwrap.wrap(text, max(console.width - len(margin), 20), break_on_hyphens=False):
        console.print(margin + line)
        margin = " " * len(margin)
