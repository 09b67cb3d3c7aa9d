"""Job: a trial while a search has it in hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kpipe.pipeline import Pipeline
from kpipe.runs import Run
from kpipe.search.record import write_epoch
from kpipe.search.trial import Trial
from kpipe.tracking.journal import Journal
from kpipe.training.method import Epoch


@dataclass
class Job:
    """What was heard of a trial so far, on its way into the trial's journal."""

    trial: Trial
    pipeline: Pipeline
    run: Run
    journal: Journal
    metric: str
    monitor: str
    """what the median rule watches: the objective where training shows it after each epoch, else the loss"""
    tells: bool = True
    """the oracle asked for it; False of the finalists' trainings"""
    executed: dict[int, dict[str, float]] = field(default_factory=dict)
    curve: dict[int, float] = field(default_factory=dict)
    """by epoch, of the last stage of the first execution"""
    clock: Callable[[], float] = time.monotonic
    epochs: int = 0
    deaths: dict[int, int] = field(default_factory=dict)
    """of its worker, by the epochs heard of until then"""
    stopping: bool = False
    carries_on_from: str | None = None

    def __post_init__(self) -> None:
        self.began = self.heard = self.clock()

    @property
    def seconds(self) -> float:
        return self.clock() - self.began

    def take_epoch(self, execution: int, written: dict[str, Any]) -> None:
        """One epoch, which may have been heard of before."""
        row = Epoch(**written)
        several = len(self.pipeline.train) > 1
        write_epoch(self.journal, row, several, execution)
        self.epochs += 1
        if not execution and (not several or row.stage.startswith(f"{len(self.pipeline.train)}-")):
            self.monitor = self.monitor if self.monitor in row.logs else "val_loss"
            self.curve[row.epoch] = row.logs[self.monitor]

    def take_execution(self, execution: int, metrics: dict[str, float], history: list[dict[str, Any]]) -> None:
        """One training, evaluated. Epochs that a worker did not live to tell are in its history."""
        for row in history:
            self.take_epoch(execution, row)
        self.executed[execution] = metrics

    def ended(self, status: str, message: str = "") -> Trial:
        """The trial as it has ended: means over the executions."""
        rows = list(self.executed.values())
        names = [name for name in (rows[0] if rows else {}) if all(name in row for row in rows)]
        metrics = {name: sum(row[name] for row in rows) / len(rows) for name in names}
        scores = tuple(row[self.metric] for row in rows if self.metric in row)
        if status in ("done", "stopped") and (not rows or len(scores) < len(rows)):
            status, message = "failed", f"evaluation gave no `{self.metric}` on this validation split"
        changes = {
            "status": status,
            "score": sum(scores) / len(scores) if scores and status in ("done", "stopped") else None,
            "scores": scores,
            "metrics": metrics,
            "curve": tuple(value for _, value in sorted(self.curve.items())),
            "message": message,
            "seconds": round(self.seconds, 2),
            "epochs": max(self.curve, default=0),
        }
        return Trial.model_validate({**self.trial.model_dump(), **changes})
