"""Small data sets on disk, one for each source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


def write_images(folder: Path, classes: dict[str, int], size: tuple[int, int] = (6, 5), seed: int = 0) -> Path:
    """``folder/<class>/<number>.png``, RGB noise."""
    generator = np.random.default_rng(seed)
    for name, count in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            pixels = generator.integers(0, 256, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index:02}.png")
    return folder


def write_npz(path: Path, count: int = 40, seed: int = 0) -> Path:
    generator = np.random.default_rng(seed)
    np.savez(path, x=generator.normal(size=(count, 3)), y=np.arange(count) % 2)
    return path


def write_csv(path: Path, rows: int = 40) -> Path:
    lines = ["mass,island,kind"]
    lines += [f"{index * 0.5},{'north' if index % 3 else 'south'},{'a' if index % 2 else 'b'}" for index in range(rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def prepared_source(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], dict[str, Any]]:
    """A function from a source's type to the fields of one whose data is there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "sklearn": lambda: {"dataset": "digits"},
        "npz": lambda: {"path": str(write_npz(tmp_path / "data.npz"))},
        "image_folder": lambda: {"path": str(write_images(tmp_path / "images", {"cat": 12, "dog": 10}))},
        "table": lambda: {"path": str(write_csv(tmp_path / "data.csv")), "target": "kind"},
        "tfds": lambda: {
            "name": "mnist",
            "data_dir": str(shared_data / "tfds"),
            "split": {"names": {"train": "train[:400]", "test": "test[:100]"}},
        },
    }

    def make(name: str) -> dict[str, Any]:
        assert name in made, f"add data for the source `{name}` to prepared_source in tests/data/conftest.py"
        return {"type": name, **made[name]()}

    return make
