"""kpipe parity: the same pipeline on every backend, and how far they are apart. The story."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kpipe import backend
from kpipe.backend import Backend
from kpipe.errors import WrongInput
from kpipe.files import write_atomic
from kpipe.parity.compare import compare
from kpipe.parity.measurement import read
from kpipe.parity.report import Report
from kpipe.parity.task import Task
from kpipe.parity.tolerances import Tolerances
from kpipe.pipeline import Pipeline, load_splits
from kpipe.process import Process
from kpipe.runs import ROOT

logger = logging.getLogger("kpipe")

FOLDER = ROOT / "parity"
FEWEST = 2


@dataclass(frozen=True)
class Written:
    """Where a report is kept."""

    record: Path
    picture: Path


def chosen(wanted: Sequence[str], start_from: str | None = None) -> tuple[Backend, ...]:
    """The backends to compare, by default all that are installed; the one to start from comes first.

    Raises: WrongInput: fewer than two, or one that is not among them. MissingExtra: one is not installed.
    """
    found = tuple(dict.fromkeys(backend.choose(name, None) for name in wanted)) or backend.installed()
    if len(found) < FEWEST:
        known = ", ".join(found) or "none"
        hint = "pip install 'kpipe[all]' installs all three" if not wanted else "name two, or none for all"
        raise WrongInput(f"parity compares at least two backends; here: {known}", hint)
    if start_from is None:
        return found
    first = next((name for name in found if name == start_from), None)
    if first is None:
        compared = ", ".join(found)
        raise WrongInput(f"--start-from {start_from}: not among the backends compared", f"choose one of: {compared}")
    return (first, *(name for name in found if name != first))


def parity(
    pipelines: Mapping[str, Pipeline],
    backends: Sequence[Backend],
    steps: int,
    tolerances: Tolerances,
    from_reference: bool = False,
    random: bool = False,
    working: Callable[[str], None] = logger.info,
) -> dict[str, Report]:
    """A report for each pipeline; each backend's process is started once, and carries out all of them.

    One after the other: processes side by side would share cores, and a backend computes with as many as it finds.

    Raises: WrongInput: the data cannot be read or does not fit. RunFailed: a backend could not do it.
    """
    for pipeline in pipelines.values():
        load_splits(pipeline)
    with tempfile.TemporaryDirectory(prefix="kpipe-parity-") as scratch:
        folder = Path(scratch)
        for name in backends:
            working(name)
            tasks = [
                task(pipeline, name, steps, folder / f"{number}", backends[0], from_reference, random)
                for number, pipeline in enumerate(pipelines.values())
            ]
            with Process("kpipe.parity", name, folder / f"{name}.log") as process:
                for one in tasks:
                    process.ask(one)
        return {
            name: compare(
                pipeline.name, [read(Path(f"{folder / str(number)}-{one}.npz")) for one in backends], tolerances,
                steps, from_reference, random,
            )
            for number, (name, pipeline) in enumerate(pipelines.items())
        }  # fmt: skip


def task(
    pipeline: Pipeline, name: Backend, steps: int, place: Path, reference: Backend, from_reference: bool, random: bool
) -> Task:
    return Task(
        pipeline=pipeline.model_dump(mode="json", exclude={"tune"}),
        backend=name,
        steps=steps,
        output=f"{place}-{name}.npz",
        reference=None if name == reference else f"{place}-{reference}.npz",
        from_reference=from_reference,
        random=random,
    )


def keep(report: Report, folder: Path) -> Written:
    """Writes the record and the picture."""
    from kpipe.evaluation.drawing import png
    from kpipe.parity.picture import draw

    folder.mkdir(parents=True, exist_ok=True)
    written = Written(folder / f"{report.pipeline}.json", folder / f"{report.pipeline}.png")
    write_atomic(written.record, json.dumps(report.record(), indent=1) + "\n")
    written.picture.write_bytes(png(draw(report)))
    return written
