"""kpipe export: a run's model in other formats, each held against the model itself. The story."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpipe import backend, finding, runs, serving
from kpipe.backend import Backend
from kpipe.errors import MissingExtra, WrongInput
from kpipe.export.format import Format
from kpipe.export.prepared import PREPARATION, SIGNATURE
from kpipe.export.task import Row, Task
from kpipe.files import remove, write_atomic
from kpipe.predict import require_model
from kpipe.process import Process
from kpipe.runs import Run
from kpipe.signature import Signature
from kpipe.spec.mistake import nearest
from kpipe.spec.one_of import components

logger = logging.getLogger("kpipe")

RECORD = "export.json"
Working = Callable[[str], None]


@dataclass(frozen=True)
class Export:
    """The files, and the model beside them."""

    run: str
    folder: Path
    signature: Signature
    model: Row
    files: tuple[Row, ...]

    @property
    def names(self) -> list[str]:
        """What lies in the folder."""
        return [*(row.file for row in self.files if row.file), PREPARATION, SIGNATURE, RECORD]

    def record(self) -> dict[str, Any]:
        """As plain data."""
        rows = [self.model, *self.files]
        return {"run": self.run, "rows": [row.model_dump(mode="json", exclude_defaults=True) for row in rows]}


def export(
    run_name: str, wanted: Sequence[str], folder: Path | None, int8: bool, working: Working = logger.info
) -> Export:
    """Writes a run's model in every format wanted, each through a backend that can, in a process of its own.

    Raises: RunNotFound. WrongInput: no such format, no model, data that has changed. MissingExtra. RunFailed.
    """
    forms = chosen(wanted, int8)
    run = finding.with_model(finding.find(runs.ROOT, run_name))
    trained_on = serving.checked_manifest(require_model(run))["backend"]
    own = trained_on if trained_on in backend.installed() else serving.engine_for(trained_on, None)
    engines = {own: [], **by_engine(forms, own)}
    if folder is None:
        runs.require_inside(run.folder)
        folder = run.folder / "export"
    require_no_others(folder, forms)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as place:
        scratch = Path(place)
        for name in (PREPARATION, SIGNATURE):
            shutil.copyfile(run.model / name, scratch / name)
        rows: list[Row] = []
        for engine, names in engines.items():
            working(f"{engine}: {', '.join(names) or 'the model itself'}")
            with Process("kpipe.export", engine, scratch / f"{engine}.log") as process:
                answered = process.ask(task(run, engine, names, int8, scratch))
            rows += [Row.model_validate_json(json.dumps(row)) for row in answered["rows"]]
        done = Export(run.name, folder, signature_of(run), rows[0], tuple(rows[1:]))
        write_atomic(scratch / RECORD, json.dumps(done.record(), indent=1) + "\n")
        for row in done.files:
            if row.error:  # a file of an earlier export would be taken for this one's
                remove(folder / formats()[row.format].name(row.int8))
        for name in reversed(done.names):  # the record first, by which the folder is known as an export's
            put(scratch / name, folder / name)
    return done


def require_no_others(folder: Path, forms: Sequence[Format]) -> None:
    """Raises: WrongInput: there are files in the folder that would be replaced, and no export has written there."""
    names = [PREPARATION, SIGNATURE, *(form.name(int8) for form in forms for int8 in (False, True))]
    if folder.exists() and not folder.is_dir():
        raise WrongInput(f"{folder} is a file, a folder is wanted", "choose another: --output FOLDER")
    others = [name for name in names if (folder / name).exists()]
    if others and not (folder / RECORD).exists():
        raise WrongInput(f"{folder / others[0]} exists already", "choose another folder, or remove it first")


def chosen(wanted: Sequence[str], int8: bool) -> list[Format]:
    """Raises: WrongInput: no such format, or none of eight bits. MissingExtra: a package it needs is not installed."""
    known = formats()
    for name in wanted:
        if name not in known:
            near = nearest(name, known)
            meant = f"did you mean `{near}`? " if near else ""
            raise WrongInput(f"--format: no format `{name}`", f"{meant}one of: {', '.join(known)}")
    forms = [known[name] for name in dict.fromkeys(wanted)]
    unable = [form.type for form in forms if not form.quantizes]
    if int8 and unable:
        able = ", ".join(name for name, form in known.items() if form.quantizes)
        raise WrongInput(
            f"--int8: {' and '.join(unable)} cannot be written with eight bits", f"formats that can: {able}"
        )
    for form in forms:
        form.require()
    return forms


def formats() -> Mapping[str, Format]:
    """Every format by its name."""
    made = {name: found() for name, found in components("kpipe.export").items()}  # type: ignore[call-arg]
    return {name: form for name, form in made.items() if isinstance(form, Format)}


def by_engine(forms: Sequence[Format], own: Backend) -> dict[Backend, list[str]]:
    """The formats that each backend writes: the run's own wherever it can.

    Raises: MissingExtra: none that can is installed.
    """
    found: dict[Backend, list[str]] = {}
    for form in forms:
        able = form.engines or (own,)
        there = [name for name in able if name in backend.installed()]
        if not there:
            raise MissingExtra(f"{form.type} is written by {able[0]}", f"pip install 'kpipe[{able[0]}]'")
        found.setdefault(own if own in there else there[0], []).append(form.type)
    return found


def task(run: Run, engine: Backend, names: Sequence[str], int8: bool, folder: Path) -> Task:
    return Task(
        run=str(run.folder),
        backend=engine,
        formats=tuple(names),
        int8=int8,
        folder=str(folder),
        reference=str(folder / "reference.npy"),
    )


def signature_of(run: Run) -> Signature:
    return Signature.model_validate_json((run.model / SIGNATURE).read_bytes())


def put(written: Path, place: Path) -> None:
    """Moves a file or folder to where it belongs, in the place of an older one."""
    if place.is_dir():
        remove(place)
    written.replace(place)
