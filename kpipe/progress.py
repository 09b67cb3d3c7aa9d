"""What a person sees while a run goes on: a live line in a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from kpipe.training.method import Epoch, Logs

REFRESH_SECONDS = 0.1


def figures(logs: Logs) -> str:
    """``loss 0.112  accuracy 0.968``."""
    return "  ".join(f"{name} {value:.4g}" for name, value in logs.items())


class ProgressLine:
    """A Watcher that draws. Drawing is bounded in time, not in steps, so that it costs the same at any speed."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live: Progress | None = None
        self.task = TaskID(0)
        self.epochs = self.steps = 0
        self.stage = ""
        self.last_logs: Logs = {}
        self.next_draw = self.started = 0.0
        self.first_done = 0

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None

    def on_stage(self, stage: str, epochs: int, steps: int) -> None:
        self.__exit__(None, None, None)
        self.stage, self.epochs, self.steps, self.last_logs = stage, epochs, steps, {}
        self.first_done = 0
        if self.console.is_terminal:
            self.live = Progress(
                TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=24)),
                BarColumn(bar_width=10),
                TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(compact=True),
                TextColumn("left"),
                console=self.console,
                transient=True,
                auto_refresh=False,
            )
            self.live.start()
            self.task = self.live.add_task(stage, total=epochs * steps, figures="", rate="")

    def on_resume(self, rows: Sequence[Epoch]) -> None:
        pass

    def on_step(self, epoch: int, step: int, logs: Logs) -> None:
        now = time.monotonic()
        if self.live is None or now < self.next_draw:
            return
        self.next_draw = now + REFRESH_SECONDS
        done = (epoch - 1) * self.steps + step
        if not self.first_done:  # compiling the first step says nothing of the speed
            self.started, self.first_done = now, done
        rate = (done - self.first_done) / (now - self.started) if now > self.started else 0.0
        self.live.update(
            self.task,
            completed=done,
            description=f"{self.stage}  epoch {epoch}/{self.epochs}  {step}/{self.steps}",
            figures=figures({**logs, **self.last_logs}),
            rate=f"{rate:,.0f} steps/s" if rate else "",
            refresh=True,
        )

    def on_epoch(self, row: Epoch) -> None:
        self.last_logs = {name: value for name, value in row.logs.items() if name.startswith("val_")}
        if self.live is None:
            width = len(str(self.epochs))
            self.console.print(
                f"{row.stage}  epoch {row.epoch:>{width}}/{self.epochs}  {figures(row.logs)}"
                f"  {row.examples_per_second:,.0f} examples/s",
                highlight=False,
                soft_wrap=True,
            )
