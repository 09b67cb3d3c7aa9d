"""Carrying out: what a backend's process does with a task."""

from __future__ import annotations

import time
from pathlib import Path

from kpipe import backend
from kpipe.parity.measurement import Measurement, read, write
from kpipe.parity.task import Task
from kpipe.pipeline import Pipeline, build, examine, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.stages import stage_of


def carry_out(task: Task) -> None:
    """Takes the pipeline's first steps, evaluates on validation, and writes what came of it."""
    begin = time.perf_counter()
    pipeline = checked(Pipeline, document_of(task.pipeline))
    splits = load_splits(pipeline)
    backend.use(task.backend, pipeline.precision, pipeline.seed, pipeline.threads)
    from kpipe.parity.rehearsal import Rehearser

    reference = read(Path(task.reference)) if task.reference else None
    rehearser = Rehearser(task.steps, reference, task.from_reference, task.random)
    model = build(pipeline, splits.signature)
    steps = 0
    for index, method in enumerate(pipeline.train):
        stage = stage_of(pipeline, index, steps, Path(task.output).parent, rehearse=rehearser)
        steps = method.train(model, splits.train, splits.validation, splits.signature, stage).steps
    evidence = examine(pipeline, model, splits.validation, splits.signature, "validation")
    metrics = {name: float(value) for name, value in pipeline.evaluate.measure(evidence).items()}
    seconds = time.perf_counter() - begin
    measured = Measurement(task.backend, splits.fingerprint, seconds, tuple(rehearser.parts), metrics)
    write(measured, Path(task.output))
