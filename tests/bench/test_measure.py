"""Some steps of real pipelines through the real training, in this process, on each backend."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kpipe.bench import timer
from kpipe.bench.measure import Task, measure
from kpipe.bench.measurement import Measured
from kpipe.pipeline import Pipeline

Make = Callable[..., Pipeline]


@pytest.fixture
def timed(backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Pipeline], Measured]:
    """Measures a pipeline, but for two epochs only."""
    monkeypatch.setattr(timer, "ENOUGH_SECONDS", 0.0)

    def one(pipeline: Pipeline) -> Measured:
        written = pipeline.model_dump(mode="json", exclude={"tune", "backend"})
        task = Task(pipeline=written, backend=backend, steps=4, folder=str(tmp_path), spawned=time.monotonic())
        return measure(task, lambda words: None)

    return one


def test_one_stage(timed: Callable[[Pipeline], Measured], pipeline: Make, tmp_path: Path, backend: str) -> None:
    began = time.monotonic()
    row = timed(pipeline({"train.epochs": 500, "train.early_stopping": {"patience": 1}}))
    took = time.monotonic() - began
    (stage,) = row.stages
    assert (row.backend, row.device, stage.name, stage.steps) == (backend, "cpu", "fit", 20)
    assert 0 < stage.quick <= stage.step <= stage.slow < took
    assert stage.first_step + stage.step + stage.validation < took
    assert row.memory > 50_000_000
    assert not (tmp_path / "mlruns").exists()


def test_stages_and_their_parts(timed: Callable[[Pipeline], Measured], pipeline: Make) -> None:
    model = {"type": "stacked_autoencoder", "units": [16, 8]}
    row = timed(pipeline(model=model, train=[{"type": "pretrain_layerwise"}, {"type": "fit", "steps_per_epoch": 7}]))
    found = [(stage.index, stage.name.partition("/")[0], stage.steps) for stage in row.stages]
    assert found == [(0, "1-pretrain_layerwise", 20), (0, "1-pretrain_layerwise", 20), (1, "2-fit", 7)]


def test_batches_of_several_lengths(timed: Callable[[Pipeline], Measured], pipeline: Make) -> None:
    data = {"type": "procedural", "dataset": "dates", "batch_size": 64}
    model = {"type": "encoder_decoder", "cell": "gru", "embedding": 4, "units": 4}
    (stage,) = timed(pipeline(data=data, model=model, evaluate={"metrics": ["loss"], "plots": []})).stages
    assert stage.steps > 4
