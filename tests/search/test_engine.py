"""`backend: fastest` in a search: chosen once, then fixed for every trial and for whoever goes on with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kpipe.bench.measurement import Measured, Row, StageTimes
from kpipe.pipeline import Pipeline
from kpipe.search.story import Found
from kpipe.spec.check import checked
from kpipe.spec.document import read

Small = Callable[..., Pipeline]
Search = Callable[..., Found]


def row(backend: Any, step: float) -> Measured:
    times = dict.fromkeys(("first_step", "compiling", "validation", "around"), 0.1) | dict.fromkeys(
        ("step", "quick", "slow"), step
    )
    stage = StageTimes(index=0, name="fit", steps=5, **times)
    when = datetime(2026, 11, 20, tzinfo=UTC)
    return Measured(backend=backend, device="cpu", when=when, start=1.0, data=1.0, memory=1, stages=(stage,))


@pytest.fixture
def steps(place: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What a step takes by backend, in the place of measuring."""
    found = {"tensorflow": 0.5, "jax": 0.1, "torch": 0.5}
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)

    def measure(pipeline: Pipeline, engine: str, steps: int, hear: Any) -> Row:
        assert pipeline.threads == 1
        return row(engine, found[engine])

    monkeypatch.setattr("kpipe.bench.fastest.measure_in_process", measure)
    monkeypatch.setattr("kpipe.search.machine.cores", lambda: 1)
    return found


def test_the_fastest_is_chosen_once(search: Search, small: Small, steps: dict[str, float], place: Path) -> None:
    said: list[str] = []
    found = search(small({"backend": "fastest"}, max_trials=1), say=said.append)
    assert [trial.backend for trial in found.trials] == ["jax"]
    assert found.run.record.fastest is not None
    assert found.run.record.fastest.startswith("jax, ")
    assert any(line.startswith("fastest jax, ") for line in said)
    assert checked(Pipeline, read(found.run.folder / "resolved.yaml")).backend == "jax"
    assert '"backend.fastest": "jax, ' in found.run.journal.read_text()

    steps["torch"] = 0.001
    for file in (place / "cache" / "kpipe" / "bench").iterdir():
        file.unlink()
    again = search(small(max_trials=2), option="fastest")
    assert again.run.name == found.run.name
    assert [trial.backend for trial in again.trials] == ["jax", "jax"]
