"""The report of a search: one HTML page that needs no network and no other file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from kpipe.comparison import fine, interval, plus_minus
from kpipe.files import write_atomic
from kpipe.report import Picture, number, page
from kpipe.search.frame import best_first, done, score_of
from kpipe.search.plots.scale import Scale, label, labels
from kpipe.search.trial import Status, Trial
from kpipe.tuning.search import Direction
from kpipe.tuning.space import Axis, short_names

UNFOLDED = 20
"""Rows of the table of trials that are shown at once."""


@dataclass(frozen=True)
class TrialRow:
    """A trial as the table shows it; numbers are None where there are none."""

    name: str
    status: str
    score: float | None
    spread: float | None
    values: Sequence[str]
    """one for each hyperparameter, empty where the trial has none"""
    epochs: int
    seconds: float
    message: str = ""
    log: str = ""
    """where the log of a trial that failed is"""


@dataclass(frozen=True)
class FinalistRow:
    """A finalist trained anew: its score for each seed in words, their mean with its interval."""

    name: str
    mean: str
    scores: Sequence[str]


@dataclass(frozen=True)
class SearchReport:
    """Everything the page shows, as plain data. What is empty is not shown."""

    search: str
    pipeline: str
    status: str
    verdict: str
    """how it went, in one line"""
    headline: Mapping[str, float]
    """best, median and number of trials"""
    objective: str
    hyperparameters: Mapping[str, str]
    """by path the short name of each"""
    trials: Sequence[TrialRow]
    """the best first"""
    pictures: Sequence[Picture] = ()
    statement: str = ""
    """whether the first finalist is better than the second"""
    finalists: Sequence[FinalistRow] = ()
    space: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    """by path what is searched, the pipeline's own value and the best trial's"""
    best: str = ""
    """the winner as a pipeline"""
    yaml: str = ""
    """the pipeline as written"""
    environment: Mapping[str, str] = field(default_factory=dict)


def write(path: Path, report: SearchReport) -> None:
    """Writes the page; a file that is there already is replaced at once, never half."""
    write_atomic(path, render(report))


def render(report: SearchReport) -> str:
    """The page as HTML."""
    return page(
        "search/report.html.jinja",
        report=report,
        parts=[rows for rows in (report.trials[:UNFOLDED], report.trials[UNFOLDED:]) if rows],
        spreads=any(row.spread is not None for row in report.trials),
        fine=fine,
        told=bool(report.finalists or report.statement),
    )


def report_of(
    trials: Sequence[Trial],
    axes: Sequence[Axis],
    objective: str,
    direction: Direction,
    *,
    search: str,
    pipeline: str,
    status: str,
    pictures: Sequence[Picture] = (),
    scores: Mapping[str, Sequence[float | None]] | None = None,
    statement: str = "",
    logs: Mapping[str, str] | None = None,
    best: str = "",
    yaml: str = "",
    environment: Mapping[str, str] | None = None,
) -> SearchReport:
    """The page's facts. ``scores`` are the finalists', by trial and seed; ``logs`` says where the log of a trial is."""
    return SearchReport(
        search=search,
        pipeline=pipeline,
        status=status,
        verdict=verdict(trials, objective, direction),
        headline=headline(trials, objective, direction),
        objective=objective,
        hyperparameters=short_names(axis.path for axis in axes),
        trials=trial_rows(trials, axes, direction, logs),
        pictures=pictures,
        statement=statement,
        finalists=finalist_rows(scores or {}),
        space=space_rows(axes, trials, direction),
        best=best,
        yaml=yaml,
        environment=environment or {},
    )


def draw(trials: Sequence[Trial], axes: Sequence[Axis], objective: str, direction: Direction) -> list[Picture]:
    """The pictures of a search in the order of the page, those for which there are trials enough."""
    from kpipe.evaluation.drawing import png
    from kpipe.search.importance import importance
    from kpipe.search.plots import best_so_far, contour, parallel_coordinates
    from kpipe.search.plots import importance as bars

    shares = importance(trials, axes)
    drawn = {
        ("best_so_far", best_so_far.TITLE): best_so_far.draw(trials, objective, direction),
        ("importance", bars.TITLE): bars.draw(shares, objective),
        ("parallel_coordinates", parallel_coordinates.TITLE): parallel_coordinates.draw(
            trials, axes, objective, direction, shares
        ),
        ("contour", contour.TITLE): contour.draw(trials, axes, objective, direction, shares),
    }
    return [Picture(name, title, png(figure)) for (name, title), figure in drawn.items() if figure is not None]


def verdict(trials: Sequence[Trial], objective: str, direction: Direction) -> str:
    """``Best val_accuracy 0.9917, by trial 12 of 20; 2 failed, 1 refused.``"""
    counts = Counter(trial.status for trial in trials)
    fates: tuple[Status, ...] = ("failed", "refused", "stopped", "repeated", "running")
    others = ", ".join(f"{counts[status]} {status}" for status in fates if counts[status])
    finished = done(trials)
    if not finished:
        said = f"None of {len(trials)} trials came to a score" if trials else "No trial has ended"
    else:
        best = best_first(finished, direction)[0]
        said = f"Best {objective} {number(score_of(best))}, by trial {best.name} of {len(trials)}"
    return f"{said}{'; ' if finished else ': '}{others}." if others else f"{said}."


def headline(trials: Sequence[Trial], objective: str, direction: Direction) -> dict[str, float]:
    """Best, median of the trials that are done, number of trials."""
    scores = [score_of(trial) for trial in done(trials)]
    best = {f"best {objective}": (max if direction == "max" else min)(scores)} if scores else {}
    middle = {f"median of {len(scores)} done": median(scores)} if scores else {}
    return {**best, **middle, "trials": len(trials)}


def trial_rows(
    trials: Sequence[Trial], axes: Sequence[Axis], direction: Direction, logs: Mapping[str, str] | None = None
) -> list[TrialRow]:
    """The table of trials, the best first; ``logs`` says by trial where the logs of those that failed are."""
    scales = [Scale(axis) for axis in axes]
    known = logs or {}
    return [
        TrialRow(
            name=trial.name,
            status=trial.status,
            score=trial.score,
            spread=trial.spread,
            values=[value_in(trial, scale) for scale in scales],
            epochs=trial.epochs,
            seconds=trial.seconds,
            message=trial.message,
            log=known.get(trial.name, "") if trial.status == "failed" else "",
        )
        for trial in best_first(trials, direction)
    ]


def finalist_rows(scores: Mapping[str, Sequence[float | None]]) -> list[FinalistRow]:
    """By trial its scores with each seed; None where a training failed."""
    rows = []
    for name, found in scores.items():
        known = [score for score in found if score is not None]
        mean = plus_minus(*interval(known)) if known else "–"
        rows.append(FinalistRow(name, mean, ["failed" if score is None else number(score) for score in found]))
    return rows


def space_rows(axes: Sequence[Axis], trials: Sequence[Trial], direction: Direction) -> dict[str, tuple[str, str, str]]:
    """By path what is searched, the pipeline's own value, the best trial's."""
    from kpipe.search.record import in_words

    best = next(iter(best_first(done(trials), direction)), None)
    return {
        axis.path: (
            in_words(axis.dimension),
            label(axis.default) if axis.default is not None else "",
            value_in(best, Scale(axis)) if best is not None else "",
        )
        for axis in axes
    }


def value_in(trial: Trial, scale: Scale) -> str:
    """The value of a trial in a few letters; empty where it has none."""
    path = scale.axis.path
    if path not in trial.values:
        return ""
    cell = scale.cell(trial)
    return label(trial.values[path]) if cell is None else labels(scale.values)[cell]
