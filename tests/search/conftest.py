"""Small searches on handwritten digits, in workers of their own."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kpipe.pipeline import Pipeline
from kpipe.search.story import Found, tune
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.spec.override import override

WRITTEN: dict[str, Any] = {
    "name": "small-search",
    "data": {"type": "sklearn", "dataset": "digits", "batch_size": 256},
    "model": {"type": "cnn", "filters": [4], "dropout": 0.1},
    "train": {"type": "fit", "epochs": 2, "optimizer": {"AdamW": {"learning_rate": 0.01}}},
    "evaluate": {"metrics": ["accuracy", "loss"], "plots": []},
    "tune": {
        "type": "random",
        "objective": "val_accuracy",
        "max_trials": 3,
        "space": {
            "train.optimizer.AdamW.learning_rate": {"min": 1e-3, "max": 1e-1, "sampling": "log"},
            "model.dropout": {"min": 0.0, "max": 0.4, "step": 0.2},
        },
    },
}


@pytest.fixture
def small() -> Callable[..., Pipeline]:
    """``small({"model.dropout": 0.5}, max_trials=2)``: the pipeline with other values, and other settings of `tune`."""

    def pipeline(values: Mapping[str, Any] | None = None, **settings: Any) -> Pipeline:
        whole = copy.deepcopy(WRITTEN)
        whole["tune"] |= settings
        return checked(Pipeline, document_of(override(whole, values or {})))

    return pipeline


@pytest.fixture
def place(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where kpipe runs, with an empty store in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_database, tmp_path / "mlruns" / "mlflow.db")
    return tmp_path


@pytest.fixture
def search(place: Path) -> Callable[..., Found]:
    """Carries out a search."""
    return partial(tune, root=place / "mlruns")
