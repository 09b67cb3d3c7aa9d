"""Runs: the folders of ``mlruns/runs``. What stands on disk there is the truth; MLflow is told of it.

A search is a run whose folder holds one more run for each of its trials: ``brisk-otter-412/trials/07``, by name
``brisk-otter-412/07``.
"""

from __future__ import annotations

import json
import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from kpipe.errors import RunNotFound, WrongInput
from kpipe.files import Lock, write_atomic
from kpipe.run_names import draw
from kpipe.spec.spec import Spec

ROOT = Path("mlruns")
"""The store of the folder where kpipe runs."""
LOCAL = "local"
"""The tracking URI of a run recorded in its own store's database, wherever that store is moved to."""
Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
Kind = Literal["run", "search", "trial"]
TRIALS = "trials"
GROUPS = "groups"
DAMAGED = "bring it back from a copy, or start a new run"


class Share(Spec):
    """What a backend computed of a run: its steps from ``step`` on."""

    backend: str
    step: int = 0


class Record(Spec):
    """What ``run.json`` holds; fields that a newer kpipe wrote are passed over."""

    model_config = ConfigDict(extra="ignore")

    id: str
    name: str
    pipeline: str
    experiment: str
    kind: Kind = "run"
    status: Status = "RUNNING"
    start: AwareDatetime
    end: AwareDatetime | None = None
    backend: str | None = None
    backends: tuple[Share, ...] = ()
    """which computed what, where it is known"""
    fastest: str | None = None
    """why this backend, where it was chosen by `backend: fastest`"""
    group: str | None = None
    """the group of several seeds that it belongs to"""
    seed: int | None = None
    """the pipeline's, where it is known"""
    tracking_uri: str | None = None
    mlflow_run_id: str | None = None
    seconds: dict[str, float] = Field({})


class Run:
    """One run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.is_trial = self.folder.parent.name == TRIALS
        self.name = f"{self.folder.parents[1].name}/{self.folder.name}" if self.is_trial else self.folder.name
        self._lock = Lock(self.folder / "run.lock")

    @property
    def root(self) -> Path:
        """The store this run belongs to."""
        return self.folder.parents[3 if self.is_trial else 1]

    @property
    def parent(self) -> Run | None:
        """The search that a trial belongs to."""
        return Run(self.folder.parents[1]) if self.is_trial else None

    @property
    def trials(self) -> list[Run]:
        """The trials of a search, those with a damaged record too, in order."""
        return [Run(path.parent) for path in sorted(self.folder.glob(f"{TRIALS}/*/run.json"))]

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.jsonl"

    @property
    def fingerprint(self) -> str:
        """Of the data that it was trained on; "" of a run that did not come so far."""
        file = self.folder / "fingerprint"
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""

    @property
    def record(self) -> Record:
        """What ``run.json`` says now. Raises: RunNotFound: it is not there, or was damaged."""
        path = self.folder / "run.json"
        try:
            return Record.model_validate_json(path.read_bytes())
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ") for one in error.errors()[:3]
            )
            raise RunNotFound(f"{path}: not the record of a run: {wrong}", DAMAGED) from error
        except OSError as error:
            raise RunNotFound(f"{path}: cannot be read: {error.strerror or error}", DAMAGED) from error

    @property
    def is_readable(self) -> bool:
        """The record is there and whole."""
        try:
            _ = self.record
        except RunNotFound:
            return False
        return True

    @property
    def mlflow_run_id(self) -> str | None:
        """Its id in MLflow, when it has one; that of a trial is in ``sent.json``, which its sender keeps."""
        if not self.is_trial:
            return self.record.mlflow_run_id
        try:
            return str(json.loads((self.folder / "sent.json").read_bytes())["run_id"]) or None
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None

    @property
    def status(self) -> Status:
        """As recorded; a run whose process died without a word is KILLED."""
        recorded = self.record.status
        return "KILLED" if recorded == "RUNNING" and not self.alive else recorded

    @property
    def alive(self) -> bool:
        """Some process, perhaps this one, is at work on the run, or on the search that it is a trial of."""
        return self._lock.taken() or (self.parent is not None and self.parent.alive)

    def hold(self, seconds: float = 2.0) -> None:
        """Makes the run this process's, until it ends; a run that was killed is being marked for a moment.

        Raises: WrongInput: another process is at work on it, or it would be written to elsewhere.
        """
        require_inside(self.folder)
        if not self.take(seconds):
            what = self.record.kind if self.is_readable else "run"
            raise WrongInput(f"{what} {self.name} is still running in another process", "wait for it, or stop it")

    def take(self, seconds: float = 0.0) -> bool:
        """As ``hold``, but says whether it could."""
        return self._lock.handle is not None or self._lock.take(seconds)

    def free(self) -> None:
        self._lock.free()

    def update(self, **changes: Any) -> None:
        """Changes fields of ``run.json``."""
        changed = Record.model_validate({**self.record.model_dump(), **changes})
        write_atomic(self.folder / "run.json", changed.model_dump_json(indent=2) + "\n")

    def finish(self, status: Status) -> None:
        """Ends the run; one that has FINISHED is never gone on with, so its checkpoints go."""
        self.update(status=status, end=now())
        if status == "FINISHED":
            shutil.rmtree(self.checkpoints, ignore_errors=True)  # one that cannot be removed costs space, no more
        self.free()


def require_inside(folder: Path) -> None:
    """Raises: WrongInput: a link leads out of a run's folder, and what is written to the run would be written there."""
    for entry in folder.rglob("*"):
        if entry.is_symlink() and not entry.resolve().is_relative_to(folder):
            raise WrongInput(f"{entry}: leads out of the folder, to {entry.resolve()}", "remove the link")


def now() -> datetime:
    return datetime.now(UTC)


def create(root: Path, experiment: str, pipeline_name: str, kind: Kind = "run") -> Run:
    """A new run with a name that no run and no group of ``root`` has, held by this process.

    Raises: WrongInput: it cannot be written.
    """
    try:
        run = Run(new_folder(root / "runs", beside=root / GROUPS))
        run.hold()
        begin(run, experiment, pipeline_name, kind)
    except OSError as error:
        message = f"{error.filename or root / 'runs'}: cannot be written: {error.strerror or error}"
        raise WrongInput(message, f"runs are kept in {root / 'runs'}: let it be written, or start elsewhere") from error
    return run


def create_trial(search: Run, number: str) -> Run:
    """The trial ``number`` of ``search``, which is gone on with where it was begun before.

    Nobody holds it: that is for the process that trains it.
    """
    trial = Run(search.folder / TRIALS / number)
    trial.folder.mkdir(parents=True, exist_ok=True)
    if (trial.folder / "run.json").exists():
        if trial.record.status != "FINISHED":
            trial.update(status="RUNNING", end=None)
    else:
        begin(trial, search.record.experiment, search.record.pipeline, "trial")
    return trial


def begin(run: Run, experiment: str, pipeline_name: str, kind: Kind) -> None:
    """Writes the record of a new run, and makes its folders."""
    for part in (run.checkpoints, run.artifacts):
        part.mkdir(exist_ok=True)
    record = Record(
        id=uuid.uuid4().hex, name=run.name, pipeline=pipeline_name, experiment=experiment, kind=kind, start=now()
    )
    write_atomic(run.folder / "run.json", record.model_dump_json(indent=2) + "\n")


def new_folder(parent: Path, beside: Path) -> Path:
    """A new folder called ``brisk-otter-412``, as none ``beside`` is; making it is atomic: two never share one."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongInput(
            f"{parent}: cannot be made: {error.strerror}", "runs are kept in the folder mlruns/"
        ) from error
    while True:
        folder = parent / draw()
        if (beside / folder.name).exists():
            continue
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder


def folders(root: Path) -> list[Run]:
    """All runs and searches of ``root``, those with a damaged record too, in no order; no trials."""
    return [Run(path.parent) for path in (root / "runs").glob("*/run.json")]


def runs(root: Path) -> list[Run]:
    """The runs and searches of ``root`` whose records can be read, the newest first."""
    found = []
    for run in folders(root):
        try:
            found.append((run.record.start, run))
        except RunNotFound:  # one damaged run must not hide the others; who names it is told
            continue
    return [run for _, run in sorted(found, key=lambda pair: pair[0], reverse=True)]
