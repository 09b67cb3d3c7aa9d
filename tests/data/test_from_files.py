"""What lies in files is, to the last bit, what would be in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kpipe.data.image_folder import ImageFolder
from kpipe.data.preparation import pieces, prepared
from kpipe.data.preparation.stored import Stored
from kpipe.data.source import Source
from kpipe.data.splits import ArraySplit, Splits
from kpipe.data.table import Table
from kpipe.data.tfds import Tfds
from kpipe.errors import DataError


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Source], tuple[Splits, Splits]]:
    """A source from memory, and the second time from files."""

    def load(source: Source) -> tuple[Splits, Splits]:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "unused"))
        held = source.load(0)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr(prepared, "HELD_BYTES", 0)
        monkeypatch.setattr(pieces, "CELLS", 1)
        source.load(0)
        return held, source.load(0)

    return load


def assert_same(held: Splits, filed: Splits, name: str) -> None:
    for (_, split), (_, other) in zip(held, filed, strict=True):
        assert isinstance(split, ArraySplit)
        assert isinstance(other, ArraySplit)
        assert isinstance(split.arrays[name], np.ndarray)
        assert isinstance(other.arrays[name], Stored)
        order = np.random.default_rng(0).permutation(len(split))
        np.testing.assert_array_equal(split.take(order)[name], other.take(order)[name])
    assert held.fingerprint == filed.fingerprint
    assert held.signature == filed.signature
    assert held.preparation == filed.preparation
    assert held.skipped == filed.skipped


def images(root: Path) -> Path:
    generator = np.random.default_rng(0)
    for place in range(60):
        folder = root / f"class{place % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (9, 7, 3), dtype=np.uint8)).save(folder / f"{place:02}.png")
    (root / "class1" / "05.png").write_bytes(b"no image")
    return root


def test_images(tmp_path: Path, both: Callable[[Source], tuple[Splits, Splits]]) -> None:
    source = ImageFolder.model_validate({"path": str(images(tmp_path / "images")), "on_error": "skip"})
    held, filed = both(source)
    assert_same(held, filed, "image")
    assert len(filed.skipped) == 1


def test_a_changed_image_is_seen(tmp_path: Path, both: Callable[[Source], tuple[Splits, Splits]]) -> None:
    root = images(tmp_path / "images")
    (root / "class1" / "05.png").unlink()
    source = ImageFolder.model_validate({"path": str(root)})
    _, before = both(source)
    Image.new("RGB", (7, 9), "red").save(root / "class0" / "00.png")
    assert source.load(0).fingerprint != before.fingerprint


def frame(rows: int = 3000) -> pd.DataFrame:
    """Columns of every kind, some with gaps that only one piece has."""
    generator = np.random.default_rng(0)
    found = pd.DataFrame({f" number{index} ": generator.normal(size=rows) for index in range(3)})
    found["word"] = generator.choice(np.array(["a", "b", None], dtype=object), rows)
    found["truth"] = generator.choice([True, False], rows)
    found["gaps"] = found["truth"].astype(object)
    found.loc[2500, "gaps"] = None
    found["whole"] = pd.array(generator.integers(0, 9, rows), dtype="Int64")
    found["code"] = generator.integers(0, 5, rows).astype(float)
    found["kind"] = pd.Categorical(generator.choice(list("xyz"), rows))
    found["target"] = generator.choice(["yes", "no"], rows)
    found.loc[2700, ["code", "whole"]] = None
    found.iloc[5:9, 0] = np.nan
    return found.set_index(found.index + 7)


@pytest.mark.parametrize("missing", ["mean", "median", "drop"])
def test_tables(tmp_path: Path, both: Callable[[Source], tuple[Splits, Splits]], missing: str) -> None:
    frame().to_parquet(tmp_path / "t.parquet")
    fields: dict[str, Any] = {"target": "target", "categorical": ["code"], "missing": missing}
    held, filed = both(Table.model_validate({"path": str(tmp_path / "t.parquet"), **fields}))
    assert_same(held, filed, "vector")
    assert len(filed.skipped) == (5 if missing == "drop" else 0)


def test_what_is_wrong_in_a_later_piece_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "CELLS", 1)
    found = frame().reset_index(drop=True).drop(columns=["whole", "code", " number0 "])
    found.loc[2800, " number1 "] = np.nan
    found.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"t\.parquet, rows 2048 to 2999: column `number1`: 1 of 952.* at row 2800"):
        Table.model_validate({"path": str(tmp_path / "t.parquet"), "target": "target"}).load(0)


def test_tfds(shared_data: Path, both: Callable[[Source], tuple[Splits, Splits]]) -> None:
    split = {"names": {"train": "train[:300]", "test": "test[:50]"}}
    fields = {"name": "mnist", "data_dir": str(shared_data / "tfds_array_record"), "split": split}
    assert_same(*both(Tfds.model_validate(fields)), "image")
