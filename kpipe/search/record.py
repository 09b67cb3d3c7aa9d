"""Record: what a search writes down, of itself and of each trial, for MLflow to show."""

from __future__ import annotations

import math
import platform
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kpipe.errors import Interrupted, TrackingError
from kpipe.files import write_atomic
from kpipe.pipeline import Pipeline
from kpipe.record import Curves, Recording, environment, git_state, params_of
from kpipe.runs import Run, Status, now
from kpipe.search.trial import Trial
from kpipe.tracking.journal import Journal, flatten
from kpipe.tracking.tracking import Tracking
from kpipe.training.method import Epoch
from kpipe.tuning.search import Search
from kpipe.tuning.space import Choices, Range, Switch

ENDS: dict[str, Status] = {"done": "FINISHED", "stopped": "FINISHED", "repeated": "FINISHED"}
"""How MLflow shows a trial that ended so; any other came to nothing, and has FAILED."""


@contextmanager
def recorded(run: Run) -> Iterator[Recording]:
    """Records a search from here on, and ends it with the right status whatever happens.

    Trials that had not ended by then are marked KILLED by the process that tells MLflow.
    """
    if run.record.status != "RUNNING":
        run.update(status="RUNNING", end=None)
    recording = Recording(Journal(run.journal), Tracking.start(run))
    status: Status = "FAILED"
    try:
        yield recording
        status = "FINISHED"
    except (Interrupted, KeyboardInterrupt):
        status = "KILLED"
        raise
    except TrackingError:
        if not run.trials:  # nothing was tried: nothing is left behind
            recording.journal.close()
            run.free()
            shutil.rmtree(run.folder)
        raise
    finally:
        if run.folder.exists():
            recording.journal.end(status)
            recording.journal.close()
            recording.unsent = recording.tracking.close(status).message


def begin_search(
    journal: Journal,
    pipeline: Pipeline,
    search: Search,
    names: Mapping[str, str],
    backend: str,
    fastest: str | None = None,
) -> None:
    """What is known before the first trial: settings, space, tags, the pipeline's files.

    ``names`` has the short name of each path of the space; ``backend`` is empty where it is searched; ``fastest`` says
    why it was chosen, where it was.
    """
    settings = search.model_dump(mode="json", exclude={"space"})
    space = {f"space.{names[path]}": in_words(dimension) for path, dimension in search.space.items()}
    journal.params({**space, **flatten({"tune": {**settings, "direction": search.best}})})
    tags = {
        "pipeline": pipeline.name,
        **({"backend": backend} if backend else {}),
        **({"backend.fastest": fastest} if fastest else {}),
        **{f"version.{package}": version(package) for package in ("kpipe", "keras", "keras-tuner")},
        "version.python": platform.python_version(),
        **pipeline.track.tags,
    }
    commit, dirty = git_state(Path.cwd())
    if commit:
        tags |= {"git.commit": commit, "git.dirty": str(dirty).lower()}
    journal.tags(tags)
    folder = journal.path.parent
    write_atomic(folder / "artifacts" / "environment.txt", environment())
    show(journal, folder / "pipeline.yaml", folder / "resolved.yaml", folder / "artifacts" / "environment.txt")


def begin_trial(run: Run, trial: Trial, names: Mapping[str, str], pipeline: Pipeline | None) -> Journal:
    """What is known before a trial begins, in its journal, which goes on where the trial was begun before.

    The searched values come first, and by their short names alone: MLflow's page that compares runs draws the first
    three params that differ, against the first metric that all runs have. That is ``objective``, no number as yet.
    ``pipeline`` is None where the values make none that is valid.
    """
    is_new = not run.journal.exists()
    journal = Journal(run.journal)
    searched = {names[path]: words(value) for path, value in trial.values.items()}
    journal.params(searched)
    if pipeline is not None:
        told = {*searched, *(path.replace(".0.", ".") for path in trial.values)}
        journal.params(
            {name: value for name, value in params_of(pipeline).items() if name.replace(".0.", ".") not in told}
        )
    if is_new:
        journal.metrics({"objective": math.nan}, 0)
    search = run.parent.name if run.parent else ""
    tags = {"search": search, "trial": trial.name, "status": "running", **of_trial(trial)}
    journal.tags({**tags, **(pipeline.track.tags if pipeline else {})})
    show(journal, run.folder / "pipeline.yaml", run.folder / "resolved.yaml")
    return journal


def write_epoch(journal: Journal, row: Epoch, several_stages: bool, execution: int = 0) -> None:
    """One epoch of a trial's curves; those of executions after the first stand apart, under ``execution-1/``."""
    if execution:
        stage = f"/{row.stage}" if several_stages or "/" in row.stage else ""
        row = replace(row, stage=f"execution-{execution}{stage}")
    Curves(journal, several_stages or execution > 0).on_epoch(row)


def end_trial(journal: Journal, trial: Trial) -> None:
    """What a trial came to; nothing, where its end was written before.

    ``objective`` has one name in all searches, for MLflow's pages to compare trials by. Numbers of single classes
    (``recall/cat``) would bury the others there: they are in ``trial.json``.
    """
    run = Run(journal.path.parent)
    status = ENDS.get(trial.status, "FAILED")
    if journal.ended != status:  # one that was taken for dead, KILLED, has ended after all
        numbers = {"objective": trial.score, "objective_spread": trial.spread}
        numbers |= {f"validation/{name}": value for name, value in trial.metrics.items() if "/" not in name}
        numbers |= {"cost/epochs": trial.epochs, "cost/seconds": trial.seconds}
        write_numbers(journal, numbers, 0)  # at step 0, as MLflow draws a bar for such a metric
        journal.tags({"status": trial.status, **of_trial(trial)})
        show(journal, run.folder / "log.txt")
        journal.end(status)
    run.update(status=status, end=run.record.end or now(), backend=trial.backend or None)


def write_model(journal: Journal, folder: Path, registered: str = "") -> None:
    """The model of a trial that is kept, ``registered`` under this name as its champion."""
    if not journal.models_written:
        journal.model(folder)
    if registered:
        journal.register(registered, "champion")


def write_progress(journal: Journal, ended: Sequence[Trial], best: Trial | None, names: Mapping[str, str]) -> None:
    """How far the search has come, each time a trial has ended: its own curves, and the best trial so far."""
    counts = Counter(trial.status for trial in ended)
    numbers: dict[str, float | None] = {f"trials/{status}": count for status, count in counts.items()}
    numbers = {"trials/done": 0, "trials/failed": 0, **numbers, "best/objective": best.score if best else None}
    write_numbers(journal, numbers, len(ended))
    if best is not None:
        values = {names[path]: words(value) for path, value in best.values.items()}
        said = f"Best of {len(ended)}: trial {best.name}, objective {best.score:.5g}, with "
        description = said + ", ".join(f"{name} {value}" for name, value in values.items())
        tags = {"best.trial": best.name, **{f"best.{name}": value for name, value in values.items()}}
        journal.tags({**tags, "mlflow.note.content": description})


def end_search(journal: Journal) -> None:
    """The files that a search leaves behind, those that are there."""
    folder = journal.path.parent
    artifacts = folder / "artifacts"
    show(journal, artifacts / "report.html", folder / "best.yaml", artifacts / "trials.csv")
    for picture in sorted((artifacts / "pictures").glob("*.png")):
        journal.artifact(picture, "pictures")


def of_trial(trial: Trial) -> dict[str, str]:
    """Tags of a trial that may not be known when it begins."""
    tags = {"backend": trial.backend, "message": trial.message, "carries_on": trial.carries_on or ""}
    return {name: value for name, value in tags.items() if value}


def show(journal: Journal, *files: Path) -> None:
    """Files as artifacts, those that are there."""
    for file in files:
        if file.is_file():
            journal.artifact(file)


def write_numbers(journal: Journal, numbers: Mapping[str, float | None], step: int) -> None:
    """Metrics, without those that are none: MLflow cannot draw what is infinite."""
    journal.metrics(
        {name: value for name, value in numbers.items() if value is not None and math.isfinite(value)}, step
    )


def words(value: Any) -> str:
    """A searched value, short: ``0.000213``, ``8, 16``, ``AdamW.learning_rate: 0.001``."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        return f"{value:.6g}"
    flat = flatten(value)
    return ", ".join(f"{path}: {part}" if path else part for path, part in flat.items()) or str(value)


def in_words(dimension: Range | Choices | Switch) -> str:
    """What is searched, in a line: ``0.0001 to 0.01, log``; choices are parted by ``|``."""
    if isinstance(dimension, Choices):
        said = " | ".join(words(choice) for choice in dimension.choices)
    elif isinstance(dimension, Switch):
        said = "false | true"
    else:
        said = f"{words(dimension.min)} to {words(dimension.max)}"
        said += f", step {words(dimension.step)}" if dimension.step is not None else ""
        said += f", {dimension.sampling}" if dimension.sampling != "linear" else ""
    conditions = [f"{path}: {' | '.join(map(words, values))}" for path, values in dimension.when.items()]
    return f"{said} (when {', '.join(conditions)})" if conditions else said
