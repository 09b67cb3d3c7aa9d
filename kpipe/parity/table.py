"""What `kpipe parity` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

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
MOST_RANDOM = 6


def print_report(report: Report, console: Console) -> None:
    first = report.backends[0]
    start = f", all from the weights of {first}" if report.from_reference else ""
    console.print(f"{report.pipeline}   {report.steps} steps on {', '.join(report.backends)}{start}", soft_wrap=True)
    console.print(f"largest differences from {first}\n")
    console.print(table(report))
    console.print()
    console.print(metrics_table(report))
    console.print()
    for subject, text in lines(report):
        print_beside(subject, text, console)


def table(report: Report) -> Table:
    """A line for each comparison."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    drawn.add_column("", no_wrap=True)
    drawn.add_column("backend", no_wrap=True)
    drawn.add_column("difference", justify="right", no_wrap=True)
    drawn.add_column("allowed", justify="right", no_wrap=True)
    drawn.add_column("", no_wrap=True)
    drawn.add_column("where", overflow="fold")
    several = len(report.parts) > 1
    for part in report.parts:
        if several:
            drawn.add_row(Text(part.name, style="bold"))
        add_rows(drawn, part.rows)
    add_rows(drawn, report.last)
    return drawn


def add_rows(drawn: Table, rows: tuple[Row, ...]) -> None:
    for what, words in WORDS.items():
        for place, row in enumerate(row for row in rows if row.what == what):
            allowed = "" if row.allowed is None else number_words(row.allowed)
            verdict = "" if row.allowed is None else "beyond" if row.beyond else "ok"
            name = words if place == 0 else ""
            drawn.add_row(name, row.backend, number_words(row.difference), allowed, verdict, row.where)


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
        where = f"{part.name}: " if len(report.parts) > 1 else ""
        yield from departures(part, where)
        if part.random:
            shown = ", ".join(part.random[:MOST_RANDOM]) + (" ..." if len(part.random) > MOST_RANDOM else "")
            text = "compared with these switched off, as each backend draws numbers of its own"
            yield "random", f"{where}{text}: {shown}"
        for backend, names in part.alone.items():
            if names:
                text = "layers of one of the two alone, compared with nothing"
                yield backend, f"{where}{text}: {', '.join(names[:MOST_RANDOM])}"
    verdict = "parity" if report.agrees else f"no parity: {len(report.beyond)} beyond what is allowed"
    yield "result", verdict


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
