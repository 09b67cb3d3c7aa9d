from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kpipe.tracking import store


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in store.SETTINGS:
        monkeypatch.setenv(name, store.SETTINGS[name])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A store that is not there yet."""
    return tmp_path / "mlruns"


@pytest.fixture
def root(fresh: Path, empty_database: Path) -> Path:
    fresh.mkdir()
    shutil.copy(empty_database, fresh)
    return fresh
