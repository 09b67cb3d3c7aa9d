"""Frame: the trials of a search as a table for pandas, and their order."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kpipe.search.trial import Status, Trial
from kpipe.tuning.search import Direction

if TYPE_CHECKING:
    import pandas as pd

ORDER: tuple[Status, ...] = ("done", "stopped", "repeated", "running", "refused", "failed")


def frame(trials: Sequence[Trial], objective: str, direction: Direction, paths: Sequence[str] = ()) -> pd.DataFrame:
    """A row for each trial, best first; a column for each path of the space, by its full name.

    ``paths`` come first and are there even if no trial has a value. Lists and parts of the YAML are text, as YAML takes
    it. ``spread`` is there only where trials were trained several times.
    """
    import pandas as pd

    rows = [row_of(trial, objective) for trial in best_first(trials, direction)]
    found = dict.fromkeys(path for trial in trials for path in trial.values)
    measured = dict.fromkeys(name for row in rows for name in row["metrics"])
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in ("trial", "status")}
    columns[objective] = numbers(row["score"] for row in rows)
    if any(row["spread"] is not None for row in rows):
        columns["spread"] = numbers(row["spread"] for row in rows)
    for path in dict.fromkeys([*paths, *found]):
        columns[path] = column([row["values"].get(path) for row in rows])
    for name in ("epochs", "seconds", "message"):
        columns[name] = [row[name] for row in rows]
    for name in measured:
        columns[name] = numbers(row["metrics"].get(name) for row in rows)
    return pd.DataFrame(columns)


def csv(table: pd.DataFrame) -> str:
    """The table as text."""
    return str(table.to_csv(index=False, lineterminator="\n"))


def best_first(trials: Iterable[Trial], direction: Direction) -> list[Trial]:
    """The trials that are done by their score, then the others; of equal ones the first to begin is first."""
    sign = -1.0 if direction == "max" else 1.0

    def rank(trial: Trial) -> tuple[int, float, int, str]:
        score = math.inf if trial.score is None else sign * trial.score
        return ORDER.index(trial.status), score, len(trial.name), trial.name

    return sorted(trials, key=rank)


def done(trials: Iterable[Trial]) -> list[Trial]:
    """The trials that have a score to compare, in the order given."""
    return [trial for trial in trials if trial.counts]


def score_of(trial: Trial) -> float:
    """The score of a trial that is done."""
    assert trial.score is not None
    return trial.score


def row_of(trial: Trial, objective: str) -> dict[str, Any]:
    metrics = {f"val_{name}": value for name, value in trial.metrics.items()}
    return {
        "trial": trial.name,
        "status": trial.status,
        "score": trial.score,
        "spread": trial.spread,
        "values": {path: flat(value) for path, value in trial.values.items()},
        "epochs": trial.epochs,
        "seconds": trial.seconds,
        "message": trial.message,
        "metrics": {name: value for name, value in metrics.items() if name != objective},
    }


def flat(value: Any) -> Any:
    """Lists and parts of the YAML as text, so that they can be compared and grouped by."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, tuple, Mapping)) else value


def column(values: list[Any]) -> Any:
    """Whole numbers and booleans stay what they are where some are missing."""
    import pandas as pd

    kinds = {type(value) for value in values if value is not None}
    if None in values and kinds == {int}:
        return pd.array(values, dtype="Int64")
    if None in values and kinds == {bool}:
        return pd.array(values, dtype="boolean")
    if kinds <= {int, float} and kinds:
        return numbers(values) if float in kinds else values
    return pd.Series(values, dtype=object) if len(kinds) != 1 or kinds != {str} else values


def numbers(values: Iterable[float | None]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]
