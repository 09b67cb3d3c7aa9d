"""Measure: what the process of one backend does: it trains some steps as a run would, and looks at the clock."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from kpipe import backend
from kpipe.backend import Backend
from kpipe.bench.measurement import Measured, StageTimes
from kpipe.bench.shortened import shortened
from kpipe.bench.timer import Enough, Timer
from kpipe.pipeline import Pipeline, build, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.spec.spec import Spec
from kpipe.stages import chosen_of, stage_of

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits

PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


class Task(Spec):
    """What such a process is given: plain data, from which everything else is made."""

    pipeline: dict[str, Any]
    backend: Backend
    steps: int = Field(ge=2, description="in an epoch, at most")
    folder: str
    """for checkpoints, which are thrown away"""
    spawned: float
    """when the process was started, on the monotonic clock that all processes share"""


def measure(task: Task, tell: Callable[[str], None]) -> Measured:
    """Trains some steps of every stage. Raises: whatever a run would raise; it is for the caller to say so."""
    imported = time.monotonic()
    pipeline = checked(Pipeline, document_of(task.pipeline))
    splits = load_splits(pipeline)
    loaded = time.monotonic()
    backend.use(task.backend, pipeline.precision, pipeline.seed, pipeline.threads)
    ready = time.monotonic()
    model = build(pipeline, splits.signature)
    stages = tuple(timed(pipeline, model, splits, task, ready, tell))
    return Measured(
        backend=task.backend,
        device=backend.device(),
        when=datetime.now(UTC),
        start=imported - task.spawned + ready - loaded,
        data=loaded - imported,
        memory=peak_memory(),
        stages=stages,
    )


def timed(
    pipeline: Pipeline,
    model: keras.Model,
    splits: Splits,
    task: Task,
    began: float,
    tell: Callable[[str], None],
) -> Iterator[StageTimes]:
    """The stages, one after the other, as in a run; that the model was built counts with the first."""
    size = pipeline.data.batch_size
    for index, method in enumerate(pipeline.train):
        # compiled as it would be with all of its steps, however few are measured
        chosen = chosen_of(pipeline, method, model, splits)
        method = method.model_copy(update={"jit_compile": chosen.jit_compile}) if chosen else method
        short = shortened(method, splits.train, splits.signature, size, task.steps, pipeline.seed)
        timer = Timer(began, short.stoppable, tell)
        stage = stage_of(pipeline, index, 0, Path(task.folder) / "checkpoints", watchers=(timer,))
        with suppress(Enough):
            short.method.train(model, short.train, splits.validation, splits.signature, stage)
        yield from (part.times(index, short.steps, short.mixed) for part in timer.parts)
        began = time.monotonic()


def peak_memory(status: Path = Path("/proc/self/status")) -> int:
    """Bytes of resident memory that this process had at the most.

    Where the system says it of this program alone; ``getrusage`` counts what the parent had when it forked.
    """
    if status.exists() and (found := PEAK.search(status.read_text(encoding="utf-8"))):
        return int(found[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
