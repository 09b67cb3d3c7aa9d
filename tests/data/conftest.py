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


def write_reviews(path: Path, rows: int = 40) -> Path:
    """Texts of 3 to 9 words, of five different ones, each with a class."""
    words = ["good", "bad", "film", "very", "!"]
    lines = ["sentence,kind"]
    for index in range(rows):
        text = " ".join(words[(index * step) % 5] for step in range(1, 4 + index % 7))
        lines.append(f"{text},{'good' if index % 2 else 'bad'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_conllu(path: Path, sentences: int = 40) -> Path:
    """Sentences of 2 to 7 words, each word with its part of speech, comments between them."""
    words = [("the", "DET"), ("dog", "NOUN"), ("barks", "VERB"), (".", "PUNCT")]
    lines = []
    for index in range(sentences):
        lines.append(f"# sent_id = {index}")
        for place in range(2 + index % 6):
            word, tag = words[(index + place) % 4]
            lines.append("\t".join([str(place + 1), word, word, tag, *"______"]))
        lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def write_series(path: Path, rows: int = 120) -> Path:
    """Two columns of numbers, hour by hour."""
    index = np.arange(rows)
    times = np.datetime64("2024-01-01T00:00") + index * np.timedelta64(1, "h")
    load, heat = np.sin(index / 5), np.cos(index / 7) + index / 100
    lines = ["date,load,heat"]
    lines += [f"{time},{one:.6f},{other:.6f}" for time, one, other in zip(times, load, heat, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_book(path: Path, lines: int = 60) -> Path:
    path.write_text("".join(f"{index % 9} to be, or not to be\n" for index in range(lines)), encoding="utf-8")
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
        "text_table": lambda: {"path": str(write_reviews(tmp_path / "r.csv")), "text": "sentence", "target": "kind"},
        "conll": lambda: {"path": str(write_conllu(tmp_path / "data.conllu"))},
        "text": lambda: {"path": str(write_book(tmp_path / "book.txt")), "context": 16},
        "time_series": lambda: {
            "path": str(write_series(tmp_path / "series.csv")),
            "time": "date",
            "context": 6,
            "horizon": 3,
        },
        "procedural": lambda: {"dataset": "arithmetic", "examples": 60, "digits": 1},
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
