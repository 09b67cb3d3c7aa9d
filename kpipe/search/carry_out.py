"""Carrying out: what a worker does with a trial. It trains, evaluates on validation, and tells; it records nothing."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from kpipe import backend, serving
from kpipe.backend import Backend
from kpipe.errors import Diverged, Interrupted, WrongInput
from kpipe.files import write_atomic
from kpipe.memory import clear
from kpipe.pipeline import Pipeline, build, examine, fitted
from kpipe.runs import Run
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.spec.spec import Spec
from kpipe.stages import train
from kpipe.training.method import Epoch, Logs

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits

ALIVE_SECONDS = 1.0
"""Between two signs of life, at least."""
Tell = Callable[[dict[str, Any]], None]


class Task(Spec):
    """A trial as it is handed to a worker: plain data, from which everything else is made."""

    name: str
    folder: str
    """the trial's: checkpoints, model and log stand here"""
    pipeline: dict[str, Any]
    backend: Backend
    executions: int = 1
    carries_on: str | None = None
    """the folder of the trial whose training it goes on with"""


class Stopped(Exception):
    """The trial was called hopeless."""


class Unusable(Exception):
    """The data cannot be read: no fault of the trial's, unless it searches over them."""

    def __init__(self, reason: WrongInput) -> None:
        super().__init__(reason.message)
        self.reason = reason


class Teller:
    """A Watcher that tells of every epoch, and gives signs of life between."""

    def __init__(self, tell: Tell, execution: int, stop: Event) -> None:
        self.tell, self.execution, self.stop = tell, execution, stop  # only the first execution is stopped
        self.next_sign = 0.0

    def on_stage(self, stage: str, epochs: int, steps: int) -> None:  # noqa: ARG002
        self.tell({"event": "stage", "stage": stage, "epochs": epochs})

    def on_resume(self, rows: Sequence[Epoch]) -> None:
        """Some may never have been heard: the process may have died between an epoch's checkpoint and its telling."""
        self.tell({"event": "epochs", "execution": self.execution, "rows": [asdict(row) for row in rows]})

    def on_step(self, epoch: int, step: int, logs: Logs) -> None:  # noqa: ARG002
        now = time.monotonic()
        if now >= self.next_sign:
            self.next_sign = now + ALIVE_SECONDS
            self.tell({"event": "alive", "epoch": epoch})

    def on_epoch(self, row: Epoch) -> None:
        self.tell({"event": "epoch", "execution": self.execution, "row": asdict(row)})
        if self.stop.is_set() and not self.execution:
            raise Stopped


def carry_out(task: Task, tell: Tell, stop: Event) -> None:
    """Trains a trial as often as it is to be; what came of it is told, whatever it is.

    An error that nobody expected is raised, after it was told.
    """
    run = Run(Path(task.folder))
    run.hold(seconds=60.0)  # the worker of a search that was killed may need a moment to notice
    try:
        pipeline = checked(Pipeline, document_of(task.pipeline))
        bring(task, run)
        for execution in range(task.executions):
            execute(task, seeded(pipeline, execution), run, execution, tell, stop)
        tell({"event": "done"})
    except Stopped:
        tell({"event": "stopped"})
    except Unusable as error:
        tell({"event": "unusable", "message": error.reason.message, "hint": error.reason.hint})
    except WrongInput as error:
        tell({"event": "refused", "message": error.message})
    except Diverged as error:
        tell({"event": "failed", "message": error.message, "broken": False})
    except Interrupted:  # somebody stopped this process: the trial is taken up again
        raise
    except BaseException as error:
        tell({"event": "failed", "message": f"{type(error).__name__}: {error}"[:2000], "broken": True})
        raise
    finally:
        run.free()
        clear()


def seeded(pipeline: Pipeline, execution: int) -> Pipeline:
    """The pipeline with the seed of an execution: the first has the pipeline's own."""
    if not execution:
        return pipeline
    return pipeline.model_copy(update={"seed": backend.derive(pipeline.seed, "execution", execution)})


def bring(task: Task, run: Run) -> None:
    """Copies the checkpoints of the trial that this one goes on with, unless it has its own already."""
    if task.carries_on is not None and not any(run.checkpoints.rglob("*.npz")):
        beside = run.folder / "checkpoints.coming"
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(Run(Path(task.carries_on)).checkpoints, beside)
        shutil.rmtree(run.checkpoints, ignore_errors=True)
        beside.rename(run.checkpoints)


def execute(task: Task, pipeline: Pipeline, run: Run, execution: int, tell: Tell, stop: Event) -> None:
    """One training, evaluated on validation."""
    splits = fitted(pipeline, load(pipeline))
    tell({"event": "data", "fingerprint": splits.fingerprint, "execution": execution})
    backend.use(task.backend, pipeline.precision, pipeline.seed, pipeline.threads)
    model = build(pipeline, splits.signature)
    teller = Teller(tell, execution, stop)
    try:
        train(pipeline, model, splits, run.checkpoints / f"execution-{execution}", [teller])
    except Stopped:
        tell(measured(pipeline, model, splits, execution))
        raise
    found = measured(pipeline, model, splits, execution)
    if not execution:
        keep(run, pipeline, splits, model)
    tell(found)


def measured(pipeline: Pipeline, model: keras.Model, splits: Splits, execution: int) -> dict[str, Any]:
    """What evaluation says of the validation split."""
    evidence = examine(pipeline, model, splits.validation, splits.signature, "validation")
    return {"event": "executed", "execution": execution, "metrics": pipeline.evaluate.measure(evidence)}


def keep(run: Run, pipeline: Pipeline, splits: Splits, model: keras.Model) -> None:
    """The trained model, and of which data, in the trial's folder."""
    import numpy as np

    write_atomic(run.folder / "fingerprint", splits.fingerprint)
    example = splits.validation.take(np.arange(1))
    serving.save(run.model, pipeline, splits.signature, splits.preparation, model, example)


KEPT: dict[str, Splits] = {}
"""The data of the last trial, as most trials share it."""


def load(pipeline: Pipeline) -> Splits:
    """The data as they lie on disk; loaded once for all trials in a row that take the same. Raises: Unusable."""
    key = json.dumps(pipeline.model_dump(mode="json", include={"data", "seed"}))
    if key not in KEPT:
        KEPT.clear()
        try:
            KEPT[key] = pipeline.data.load(pipeline.seed)
        except WrongInput as error:
            raise Unusable(error) from error
    return KEPT[key]
