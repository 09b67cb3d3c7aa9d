"""Table: what ``kpipe bench`` prints, and which backend is being timed while it is."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table

from kpipe.backend import Backend
from kpipe.bench.fastest import STARTING, Bench, duration
from kpipe.bench.measurement import Measured, epochs_of, steps_per_second, stops_early, whole_run


class TimingLine:
    """Says what is being timed: a live line in a terminal, a line for each backend elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live: Status | None = None

    def __enter__(self) -> TimingLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None

    def hear(self, engine: Backend, doing: str) -> None:
        if not self.console.is_terminal:
            if doing == STARTING:
                self.console.print(f"timing  {engine}")
            return
        if self.live is None:
            self.live = Status("", console=self.console)
            self.live.start()
        self.live.update(f"timing  {engine}  {doing}")


def print_bench(found: Bench, console: Console) -> None:
    """Each backend's times, the fastest first, why others failed, and which to take."""
    pipeline = found.pipeline
    ranking = found.ranking
    devices = ", ".join(dict.fromkeys(row.device for row in ranking))
    head = [pipeline.name, *work_words(found), devices, pipeline.precision]
    console.print("   ".join(word for word in head if word), soft_wrap=True)
    if ranking:
        console.print()
        console.print(table(found))
    for failure in found.failures:
        console.print(f"{failure.backend:<10}  failed: {failure.reason}", soft_wrap=True)
    if ranking:
        console.print(f"\nfastest {found.words}", soft_wrap=True)


def table(found: Bench) -> Table:
    ranking = found.ranking
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("backend", no_wrap=True)
    for name in ("start", "first step", "steps/s (quartiles)", "validate", "memory", "whole run"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in ranking:
        middle, low, high = steps_per_second(row, found.pipeline)
        table.add_row(
            row.backend,
            f"{row.start:.1f} s",
            f"{row.first_step:.1f} s",
            f"{figure(middle)} ({figure(low)}-{figure(high)})",
            f"{row.stages[-1].validation:.2f} s",
            f"{row.memory / 1e6:,.0f} MB",
            duration(whole_run(row, found.pipeline)),
            style="bold" if row is ranking[0] and len(ranking) > 1 else "",
        )
    return table


def work_words(found: Bench) -> list[str]:
    """``at most 15 epochs x 20 steps``, for each stage."""
    pipeline = found.pipeline
    if not found.ranking:
        return []
    most = "at most " if stops_early(pipeline) else ""
    return [
        f"{stage.name}: {most}{epochs_of(pipeline.train[stage.index]):,} epochs x {stage.steps:,} steps"
        for stage in found.ranking[0].stages
    ]


def figure(value: float) -> str:
    """Three digits: ``0.873``, ``8.73``, ``87.3``, ``873``, ``8730``: eighty columns have no room for a comma."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def record(found: Bench) -> dict[str, Any]:
    """The same for programs."""
    pipeline = found.pipeline
    rows: list[dict[str, Any]] = []
    for row in found.rows:
        known = {"backend": row.backend, "measured": row.when.isoformat(), "new": row.backend in found.new}
        if isinstance(row, Measured):
            middle, low, high = steps_per_second(row, pipeline)
            known |= {
                "device": row.device,
                "start_seconds": row.start,
                "data_seconds": row.data,
                "first_step_seconds": row.first_step,
                "steps_per_second": middle,
                "steps_per_second_quartiles": [low, high],
                "validation_seconds": row.stages[-1].validation,
                "memory_bytes": row.memory,
                "whole_run_seconds": whole_run(row, pipeline),
                "stages": [
                    {**stage.model_dump(mode="json"), "epochs": epochs_of(pipeline.train[stage.index])}
                    for stage in row.stages
                ],
            }
        else:
            known |= {"failed": row.reason}
        rows.append(known)
    fastest = found.ranking[0].backend if found.ranking else None
    return {"pipeline": pipeline.name, "at_most": stops_early(pipeline), "fastest": fastest, "backends": rows}
