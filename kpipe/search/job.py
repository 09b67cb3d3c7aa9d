"""Job: a trial while a search has it in hand."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kpipe.backend import FASTEST
from kpipe.pipeline import Pipeline
from kpipe.runs import Run
from kpipe.search.carry_out import Task
from kpipe.search.record import write_epoch
from kpipe.search.trial import Status, Trial
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
    """the objective, as evaluation calls it"""
    executions: int = 1
    clock: Callable[[], float] = time.monotonic
    carries_on: str | None = None
    """the folder of the trial that it goes on with"""
    executed: dict[int, dict[str, float]] = field(default_factory=dict)
    curve: dict[int, float] = field(default_factory=dict)
    """by epoch, what the median rule watches: of the last stage of the first execution the objective, where training
    shows it after each epoch, else the loss"""
    known: set[tuple[int, str, int]] = field(default_factory=set)
    """the epochs heard of: execution, stage, number"""
    deaths: int = 0
    """of its worker since something new was heard"""
    stopping: bool = False

    def __post_init__(self) -> None:
        self.began = self.heard = self.clock()
        self.monitor = f"val_{self.metric}"

    @property
    def seconds(self) -> float:
        return self.clock() - self.began

    @property
    def task(self) -> Task:
        """The trial as a worker takes it."""
        assert self.pipeline.backend is not None
        assert self.pipeline.backend != FASTEST
        return Task(
            name=self.trial.name,
            folder=str(self.run.folder),
            pipeline=self.pipeline.model_dump(mode="json"),
            backend=self.pipeline.backend,
            executions=self.executions,
            carries_on=self.carries_on,
        )

    def take_epoch(self, execution: int, written: Mapping[str, Any]) -> None:
        """One epoch, which may have been heard of before."""
        row = Epoch(**written)
        if (execution, row.stage, row.epoch) not in self.known:
            self.known.add((execution, row.stage, row.epoch))
            self.deaths = 0
        several = len(self.pipeline.train) > 1
        write_epoch(self.journal, row, several, execution)
        if not execution and (not several or row.stage.startswith(f"{len(self.pipeline.train)}-")):
            self.monitor = self.monitor if self.monitor in row.logs else "val_loss"
            if math.isfinite(row.logs[self.monitor]):
                self.curve[row.epoch] = row.logs[self.monitor]

    def ended(self, status: Status, message: str = "") -> Trial:
        """The trial as it has ended: means over the executions. What is not a finite number is left out."""
        rows = [{name: one for name, one in row.items() if math.isfinite(one)} for row in self.executed.values()]
        names = [name for name in (rows[0] if rows else {}) if all(name in row for row in rows)]
        scores = tuple(row[self.metric] for row in rows if self.metric in row)
        if status in ("done", "stopped") and (not rows or len(scores) < len(rows)):
            status, message = "failed", f"evaluation gave no `{self.metric}` on this validation split"
        return self.trial.but(
            status=status,
            score=sum(scores) / len(scores) if status in ("done", "stopped") else None,
            scores=scores,
            metrics={name: sum(row[name] for row in rows) / len(rows) for name in names},
            curve=tuple(value for _, value in sorted(self.curve.items())),
            message=message,
            seconds=round(self.seconds, 2),
            epochs=max(self.curve, default=0),
        )
