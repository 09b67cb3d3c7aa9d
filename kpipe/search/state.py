"""State: a search on disk. Its own folder is a run's; KerasTuner's files stand in ``oracle/``, a trial's in its folder.

``search.json`` says of what content the search is, ``trials/07/trial.json`` what became of each trial. That file is
written before the oracle is told, and read again after a crash: so no trial is lost, and none counts twice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from kpipe import runs
from kpipe.errors import RunNotFound, WrongInput
from kpipe.files import write_atomic
from kpipe.pipeline import Pipeline, effective_yaml
from kpipe.runs import Run
from kpipe.search.trial import Trial
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.spec.spec import Spec
from kpipe.tracking.journal import flatten

MAY_CHANGE = ("max_trials", "timeout_minutes", "trial_timeout_minutes", "trial_memory_gb", "finalists")
"""What may be another when a search goes on: none of it changes what a trial gives."""
LEFT_OUT = {"track": True, "checkpoint": True, "expect": True}
"""Sections that change nothing of it either."""
SHOWN = 5


class Settings(Spec):
    """What ``search.json`` holds; fields that a newer kpipe wrote are passed over."""

    model_config = ConfigDict(extra="ignore")

    content: dict[str, Any]
    threads: int
    """of each trial, even where the search goes on with more workers: results depend on it"""


class State:
    """The folder of one search."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @property
    def oracle(self) -> Path:
        return self.run.folder / "oracle"

    @property
    def settings(self) -> Settings | None:
        """None where the search died before they were written."""
        path = self.run.folder / "search.json"
        return Settings.model_validate_json(path.read_bytes()) if path.exists() else None

    def begin(self, pipeline: Pipeline, text: str, settings: Settings) -> None:
        """Writes what a new search is; of one gone on with, what may have changed."""
        write_atomic(self.run.folder / "search.json", settings.model_dump_json(indent=1) + "\n")
        write_atomic(self.run.folder / "pipeline.yaml", text or effective_yaml(pipeline))
        write_atomic(self.run.folder / "resolved.yaml", effective_yaml(pipeline))

    def trials(self) -> dict[str, Trial]:
        """Every trial that was begun, by name, in order."""
        found = {}
        for path in sorted(self.run.folder.glob("trials/*/trial.json")):
            try:
                trial = Trial.model_validate_json(path.read_bytes())
            except ValueError as error:
                hint = "bring it back, or start anew with --fresh"
                raise WrongInput(f"{path}: not the record of a trial: {error}", hint) from error
            found[trial.name] = trial
        return found

    def write(self, trial: Trial) -> None:
        write_atomic(self.folder(trial.name) / "trial.json", trial.model_dump_json(indent=1) + "\n")

    def folder(self, name: str) -> Path:
        return self.run.folder / "trials" / name

    def write_pipeline(self, run: Run, pipeline: Pipeline) -> None:
        """The trial as a pipeline of its own, that runs."""
        for name in ("pipeline.yaml", "resolved.yaml"):
            write_atomic(run.folder / name, effective_yaml(pipeline))

    def pipeline(self, run: Run) -> Pipeline | None:
        """A trial's pipeline; None of one that was refused."""
        path = run.folder / "resolved.yaml"
        return checked(Pipeline, read(path)) if path.exists() else None

    def forget(self, folder: Path) -> None:
        """Removes what nobody needs any more; what cannot be removed costs space, no more."""
        shutil.rmtree(folder, ignore_errors=True)

    def crown(self, best: Trial, pipeline: Pipeline, objective: str) -> None:
        """Writes down which trial is the best so far, as a pipeline that runs."""
        said = [
            f"# the best trial of search {self.run.name}: {best.name}, {objective} {best.score:.6g}",
            "# on the same backend it gives the same numbers again",
            effective_yaml(pipeline),
        ]
        write_atomic(self.run.folder / "best.yaml", "\n".join(said))
        write_atomic(self.run.folder / "best.json", json.dumps({"trial": best.name}) + "\n")

    def check_fingerprint(self, pipeline: Pipeline, fingerprint: str) -> None:
        """Raises: WrongInput: the data that a trial found is not what trials of the same `data` found before."""
        path = self.run.folder / "fingerprints.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        data = json.dumps(pipeline.model_dump(mode="json", include={"data", "seed"}))
        if known.setdefault(data, fingerprint) != fingerprint:
            raise WrongInput(
                f"the data has changed since search {self.run.name} began", "bring it back, or start anew with --fresh"
            )
        write_atomic(path, json.dumps(known))


def content_of(pipeline: Pipeline) -> dict[str, Any]:
    """All that decides what the trials of a search give."""
    found = pipeline.model_dump(mode="json", exclude={**LEFT_OUT, "evaluate": {"plots"}})
    found["tune"] = {name: value for name, value in found["tune"].items() if name not in MAY_CHANGE}
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not the same, a line each: ``tune.space.model.dropout.max: 0.5 -> 0.6``."""
    old, new = flatten(before), flatten(now)
    paths = [path for path in dict.fromkeys([*old, *new]) if old.get(path) != new.get(path)]
    if not paths:
        return ["values that look alike, but are of other types"]
    lines = [f"{path}: {old.get(path, 'nothing')} -> {new.get(path, 'nothing')}" for path in paths]
    more = len(lines) - SHOWN
    return lines if more <= 0 else [*lines[:SHOWN], f"and {more} more"]


def earlier(root: Path, pipeline: Pipeline) -> list[tuple[Run, Settings]]:
    """The searches of this pipeline's name, the newest first."""
    found = []
    for run in runs.runs(root):
        if run.record.kind == "search" and run.record.pipeline == pipeline.name:
            with suppress(ValueError):  # one damaged search must not stand in the way of the others
                settings = State(run).settings
                if settings is not None:
                    found.append((run, settings))
    return found


def choose(root: Path, pipeline: Pipeline, resume: bool) -> Run | None:
    """The search to go on with: the newest of the same content; None where there is none.

    Raises: RunNotFound, WrongInput: there must be one, with ``resume``, or where the newest search of this name has not
        ended, as the file may have been changed by mistake; the error shows how it differs.
    """
    content, known = content_of(pipeline), earlier(root, pipeline)
    for run, settings in known:
        if settings.content == content:
            return run
    if not resume and not (known and is_left_behind(known[0][0])):
        return None
    if not known:
        raise RunNotFound(f"no search of `{pipeline.name}` in {root / 'runs'}", "start one without --resume")
    run, settings = known[0]
    lines = "\n".join(f"  {line}" for line in difference(settings.content, content))
    said = "has ended" if run.status == "FINISHED" else "has not ended"
    raise WrongInput(
        f"search {run.name}, which {said}, is of another content, and cannot go on with this one:\n{lines}",
        f"change it, or --backend, back (what may differ: {', '.join(MAY_CHANGE)}, evaluate.plots, track), or --fresh",
    )


def is_left_behind(run: Run) -> bool:
    """Whether a search has not ended, and has trials that have: somebody may want to go on with it."""
    ended = any(trial.status != "running" for trial in State(run).trials().values())
    return ended and run.status in ("KILLED", "FAILED")
