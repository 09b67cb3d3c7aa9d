"""What the commands print when they have finished."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpipe.errors import WrongInput
from kpipe.files import write_atomic
from kpipe.results import headline
from kpipe.signature import Target
from kpipe.terminal import shown

if TYPE_CHECKING:
    from kpipe.predict import Predictions
    from kpipe.run import Finished

SHOWN_PREDICTIONS = 50
MOST_COLUMNS = 8
"""Numbers of a prediction shown on the terminal; a file gets all."""
FORMATS = (".csv", ".json")


def print_summary(finished: Finished, console: Console) -> None:
    """Metrics on test, where the run is, and how to go on."""
    run = finished.run
    numbers = "   ".join(f"{name} {value:.4f}" for name, value in headline(finished.metrics).items())
    lines = [("test", f"{numbers}   best epoch {finished.best_epoch} of {finished.epochs}")]
    if finished.worst:
        lines.append(("worst", finished.worst))
    lines += [("expect", outcome.words) for outcome in finished.expected]
    for skipped in finished.skipped[:5]:
        lines.append(("skipped", skipped))
    if len(finished.skipped) > 5:
        lines.append(("skipped", f"and {len(finished.skipped) - 5} more, all in metrics.json"))
    pictures = len(list((run.artifacts / "pictures").glob("*.png")))
    names = f"artifacts/report.html, artifacts/metrics.json, {pictures} pictures, model/"
    lines.append(("where", f"{shown(run.folder)}   {names}"))
    if finished.unsent:
        lines.append(("unsent", finished.unsent))
    lines.append(("next", f"kpipe ui   |   kpipe predict {run.name} INPUT   |   kpipe compare {run.name} OTHER"))
    for subject, text in lines:
        console.print(f"{subject:<7} {text}", soft_wrap=True)


def print_metrics(metrics: Mapping[str, float], console: Console) -> None:
    table = Table("metric", "value", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, value in metrics.items():
        table.add_row(name, f"{value:.4f}")
    console.print(table)


def print_predictions(predictions: Predictions, console: Console) -> None:
    """A line an input: the label with its probability and the next two, the values, the tags or the text."""
    rows = [printable_row(predictions.target, row) for row in predictions.rows()[:SHOWN_PREDICTIONS]]
    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row.values()))
    console.print(table)
    if len(predictions) > SHOWN_PREDICTIONS:
        console.print(f"and {len(predictions) - SHOWN_PREDICTIONS} more: write all with --output predictions.csv")


def printable_row(target: Target, row: Mapping[str, Any]) -> dict[str, str]:
    """What is shown of a prediction: of probabilities the highest ones, of a long forecast the first steps."""
    given = row["input"]
    if target.task in ("classes", "labels"):
        numbers = [row[f"probability of {name}"] for name in target.names]
        ranked = sorted(zip(target.names, numbers, strict=True), key=lambda pair: -pair[1])
        words = [f"{name} {value:.3f}" for name, value in ranked]
        if target.task == "classes":
            shown = {"label": row["label"], "probability": f"{row['probability']:.3f}", "then": "  ".join(words[1:3])}
        else:
            shown = {"labels": row["labels"], "probabilities": "  ".join(words[:5])}
        return {"input": given, **shown}
    answers = list(row.items())[1:]
    few = {name: value if isinstance(value, str) else f"{value:.5g}" for name, value in answers[:MOST_COLUMNS]}
    more = len(answers) - len(few)
    return {"input": given, **few, **({"": f"and {more} more"} if more else {})}


def require_writable(file: Path, inputs: Sequence[Path]) -> None:
    """Refuses what could not, or should not, be written before anything is predicted. Raises: WrongInput."""
    if file.suffix not in FORMATS:
        raise WrongInput(f"--output {file}: cannot write `{file.suffix}`", f"end it in {' or '.join(FORMATS)}")
    if not file.resolve().parent.is_dir():
        raise WrongInput(f"--output {file}: no such folder", f"make {file.parent} first")
    if file.resolve() in [path.resolve() for path in inputs]:
        raise WrongInput(f"--output {file}: that is the input, which would be lost", "choose another name")


def write_predictions(predictions: Predictions, file: Path) -> None:
    """All predictions as CSV or JSON, by the file's ending. Raises: WrongInput: it cannot be written."""
    rows = predictions.rows()
    try:
        if file.suffix == ".json":
            write_atomic(file, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
        else:
            table = io.StringIO(newline="")
            writer = csv.DictWriter(table, fieldnames=list(rows[0]) if rows else ["input"])
            writer.writeheader()
            writer.writerows(rows)
            write_atomic(file, table.getvalue())
    except OSError as error:
        raise WrongInput(f"--output {file}: {error.strerror}") from error


def print_listing(sections: Mapping[str, Mapping[str, str]], console: Console) -> None:
    """``{section: {component: description}}`` as tables."""
    for section, entries in sections.items():
        table = Table(section, "", box=None, pad_edge=False)
        for name, description in entries.items():
            table.add_row(f"  {name}", description)
        console.print(table)
        console.print()
