"""The report: one HTML page per run that needs no network and no other file."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kpipe.files import write_atomic

EXPLAINS = ("alignment", "reconstructions", "forecast", "confusion_matrix", "predicted_against_true", "roc_curves")
"""The pictures that explain a task best: the first of these that a report has is shown large."""


@dataclass(frozen=True)
class Picture:
    """A picture with its name, as in the YAML, and its title."""

    name: str
    title: str
    png: bytes

    @property
    def source(self) -> str:
        """The picture itself, as an address."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class LayerRow:
    """One layer: its name, output shape, feature-map arithmetic and number of parameters."""

    name: str
    output: str
    arithmetic: str
    parameters: int


@dataclass(frozen=True)
class Report:
    """Everything the page shows, as plain data. What is empty is not shown."""

    run: str
    pipeline: str
    status: str
    verdict: str
    """how it went, in one line"""
    headline: Mapping[str, float]
    """the few numbers that say most; three are shown"""
    metrics: Mapping[str, float]
    """all of them; ``f1/7`` becomes row 7, column f1 of the table of classes"""
    expected: Sequence[str] = ()
    """what came of each expectation, in words"""
    pictures: Sequence[Picture] = ()
    yaml: str = ""
    """the pipeline as written"""
    resolved: str = ""
    """the pipeline with every default"""
    layers: Sequence[LayerRow] = ()
    mistakes: Sequence[tuple[str, str, str, str]] = ()
    """example, what it is, what it was read as, how sure; shown where there is no picture of the mistakes"""
    history: Sequence[Mapping[str, float]] = ()
    """a row for each epoch"""
    environment: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    """origin, sizes of the splits, fingerprint"""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """metrics that are not defined, each with the reason"""
    skipped: Sequence[str] = ()
    """files left out by ``on_error: skip``"""

    def picture(self, *names: str) -> Picture | None:
        """The first picture that has one of these names, in their order."""
        found = {picture.name: picture for picture in self.pictures}
        return next((found[name] for name in names if name in found), None)


def write(path: Path, report: Report) -> None:
    """Writes the page; a file that is there already is replaced at once, never half."""
    write_atomic(path, render(report))


def render(report: Report) -> str:
    """The page as HTML."""
    large = [report.picture("learning_curves"), report.picture(*EXPLAINS), report.picture("mistakes")]
    shown = [picture for picture in large if picture is not None]
    return page(
        "report.html.jinja",
        report=report,
        headline={name.replace("_", " "): value for name, value in report.headline.items()},
        large=shown,
        others=[picture for picture in report.pictures if picture not in shown],
        single={name: value for name, value in report.metrics.items() if "/" not in name},
        classes=class_table(report.metrics),
        columns=list(dict.fromkeys(name for row in report.history for name in row)),
        slides=any(layer.arithmetic for layer in report.layers),
        parameters=sum(layer.parameters for layer in report.layers),
    )


def page(template: str, **facts: object) -> str:
    """A template of the package, by its path in it, filled in; whatever is put in is text, never markup."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["number"] = number
    return pages.get_template(template).render(**facts)


def class_table(metrics: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """``{"f1/7": 0.9} -> {"7": {"f1": 0.9}}``: a row for each class, a column for each metric, all rows alike."""
    table: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        metric, slash, output = name.partition("/")
        if slash:
            table.setdefault(output, {})[metric] = value
    columns = dict.fromkeys(column for row in table.values() for column in row)
    return {output: {column: row.get(column, math.nan) for column in columns} for output, row in table.items()}


def number(value: float) -> str:
    """A number for people: ``0.9861``, ``24.43``, ``1,257``, ``1.00e-05``, and a dash for none."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else str(value)
    if isinstance(value, int) or (value == int(value) and abs(value) >= 10):
        return f"{int(value):,}"
    if value and abs(value) < 0.001:
        return f"{value:.2e}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.2f}"
