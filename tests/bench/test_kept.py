"""What is remembered of a measurement, and for what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kpipe.bench import kept
from kpipe.errors import KpipeWarning
from kpipe.pipeline import Pipeline, load_splits

from .conftest import measured

Make = Callable[..., Pipeline]


def content(pipeline: Pipeline, backend: Any = "jax") -> dict[str, Any]:
    return kept.content_of(pipeline, load_splits(pipeline), backend)


def test_what_was_kept_is_found(pipeline: Make, cache: Path) -> None:
    assert kept.find(content(pipeline())) is None
    kept.keep(content(pipeline()), measured("jax", 0.1))
    assert kept.find(content(pipeline())) == measured("jax", 0.1)
    assert kept.find(content(pipeline(), "torch")) is None
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"name": "another"},
        {"seed": 7},
        {"backend": "fastest"},
        {"train.epochs": 20},
        {"train.stop_after": 1},
        {"train.early_stopping": {"patience": 3}},
        {"evaluate.metrics": ["loss"]},
        {"track.experiment": "elsewhere"},
    ],
    ids=str,
)
def test_what_does_not_change_a_step_does_not_matter(pipeline: Make, values: dict[str, Any]) -> None:
    assert content(pipeline(values)) == content(pipeline())


@pytest.mark.parametrize(
    "values",
    [
        {"data.batch_size": 128},
        {"data.dataset": "iris", "model": {"type": "mlp"}},
        {"model.filters": [8]},
        {"train.optimizer": {"SGD": {"learning_rate": 0.1}}},
        {"precision": "mixed_bfloat16"},
        {"threads": 1},
        {"train.epochs": 1000},
    ],
    ids=str,
)
def test_what_changes_a_step_does(pipeline: Make, values: dict[str, Any]) -> None:
    assert content(pipeline(values)) != content(pipeline())


def test_another_machine_or_version_is_another_content(pipeline: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    here = content(pipeline())
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert content(pipeline()) != here
    monkeypatch.undo()
    monkeypatch.setattr(kept, "versions", lambda engine: {engine: "0.1"})
    assert content(pipeline()) != here


@pytest.mark.parametrize("text", ["", "{", '{"content": {}, "row": {}}', "\x00"])
def test_a_damaged_file_is_told_of_and_measured_anew(text: str, pipeline: Make, cache: Path) -> None:
    here = content(pipeline())
    kept.keep(here, measured("jax", 0.1))
    (file,) = cache.iterdir()
    file.write_text(text)
    with pytest.warns(KpipeWarning, match=rf"{file.name} is damaged .* measured anew"):
        assert kept.find(here) is None
    kept.keep(here, measured("jax", 0.2))
    assert kept.find(here) == measured("jax", 0.2)


def test_a_file_of_another_content_is_not_believed(pipeline: Make, cache: Path) -> None:
    here = content(pipeline())
    kept.keep(here, measured("jax", 0.1))
    (file,) = cache.iterdir()
    file.write_text(file.read_text().replace('"batch_size": 64', '"batch_size": 65'))
    assert kept.find(here) is None


def test_a_folder_that_cannot_be_written_is_told_of(pipeline: Make, cache: Path) -> None:
    cache.parent.parent.mkdir()
    cache.parent.write_text("")
    with pytest.warns(KpipeWarning, match=r"cannot be written .*: not kept"):
        kept.keep(content(pipeline()), measured("jax", 0.1))
