"""What a bench may have measured, without an engine; a cache of its own for every test."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kpipe.bench.measurement import Failed, Measured, Row, StageTimes
from kpipe.pipeline import Pipeline
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.spec.override import override

WHEN = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
WRITTEN: dict[str, Any] = {
    "name": "small",
    "data": {"type": "sklearn", "dataset": "digits", "batch_size": 64},
    "model": {"type": "cnn", "filters": [4]},
    "train": {"type": "fit", "epochs": 3},
    "evaluate": {"metrics": ["accuracy"], "plots": []},
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where measurements are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return tmp_path / "cache" / "kpipe" / "bench"


@pytest.fixture
def pipeline() -> Callable[..., Pipeline]:
    """``pipeline({"train.epochs": 5})``: a small one with other values."""

    def made(values: Mapping[str, Any] | None = None, **sections: Any) -> Pipeline:
        whole = {**copy.deepcopy(WRITTEN), **sections}
        return checked(Pipeline, document_of(override(whole, values or {})))

    return made


def stage(step: float, index: int = 0, steps: int = 20, **fields: Any) -> StageTimes:
    times = {
        "first_step": 1.0,
        "compiling": 2.0,
        "quick": step / 2,
        "slow": step * 2,
        "validation": 0.25,
        "around": 0.5,
    }
    return StageTimes(index=index, name="fit", steps=steps, step=step, **{**times, **fields})


def measured(backend: Any, step: float, **fields: Any) -> Measured:
    """A backend whose steps take so many seconds."""
    row = {"device": "cpu", "when": WHEN, "start": 3.0, "data": 1.0, "memory": 500_000_000, "stages": (stage(step),)}
    return Measured(backend=backend, **{**row, **fields})


def failed(backend: Any, reason: str = "Diverged: loss became nan") -> Failed:
    return Failed(backend=backend, when=WHEN, reason=reason)


class Measuring:
    """In the place of processes: says what it is told to, and notes who was asked for."""

    def __init__(self, *rows: Row) -> None:
        self.rows = {row.backend: row for row in rows}
        self.asked: list[str] = []
        self.pipelines: list[Pipeline] = []

    def __call__(self, pipeline: Pipeline, engine: Any, steps: int, hear: Any) -> Row:
        self.asked.append(engine)
        self.pipelines.append(pipeline)
        return self.rows[engine]


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Measuring]:
    """``measuring(measured("jax", 0.1), failed("torch"))``: what measuring gives, and all that is installed."""

    def put(*rows: Row) -> Measuring:
        found = Measuring(*rows)
        monkeypatch.setattr("kpipe.bench.fastest.measure_in_process", found)
        monkeypatch.setattr("kpipe.backend.installed", lambda: tuple(found.rows))
        return found

    return put
