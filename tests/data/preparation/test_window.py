from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpipe.data.preparation.window import Window
from kpipe.errors import DataError
from kpipe.signature import Target

TARGET = Target(task="forecast", names=("load",), horizon=2)
WINDOW = Window(context=3, time="date", features=("load", "heat"), target=TARGET)
NUMBERS = np.arange(10, dtype=np.float32).reshape(5, 2)


def frame() -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=5, freq="D").astype(str)
    return pd.DataFrame({"heat": NUMBERS[:, 1], "note": "x", "date": times, "load": NUMBERS[:, 0]})


@pytest.mark.parametrize("raw", [NUMBERS, NUMBERS.tolist(), frame(), frame().drop(columns="date")])
def test_the_last_rows_are_one_example(raw: Any) -> None:
    prepared = WINDOW.prepare(raw)["sequence"]
    assert isinstance(prepared, np.ndarray)
    assert prepared.dtype == np.float32
    np.testing.assert_array_equal(prepared, NUMBERS[None, 2:])


def test_an_array_of_three_axes_is_many_examples() -> None:
    many = np.stack([NUMBERS, NUMBERS + 1])
    np.testing.assert_array_equal(WINDOW.prepare(many)["sequence"], many[:, 2:])


def test_files(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "a.csv", index=False)
    frame().to_parquet(tmp_path / "b.parquet")
    np.save(tmp_path / "c.npy", np.stack([NUMBERS, NUMBERS]))
    examples = WINDOW.read([tmp_path / name for name in ("a.csv", "b.parquet", "c.npy")])
    assert examples.targets is None
    np.testing.assert_array_equal(examples.inputs["sequence"], np.stack([NUMBERS[2:]] * 4))
    assert examples.names == (
        str(tmp_path / "a.csv"), str(tmp_path / "b.parquet"), f"{tmp_path / 'c.npy'}:0", f"{tmp_path / 'c.npy'}:1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (NUMBERS[:2], "2 rows, but the model needs the last 3"),
        (NUMBERS[:, :1], "shape (5, 1), expected numbers of shape (n, 3, 2)"),
        (NUMBERS[0], "shape (2,)"),
        (np.full((3, 2), np.nan), "NaN"),
        (frame().drop(columns="heat"), "no column `heat`"),
        (frame().iloc[::-1], "is not later than the row before"),
        (frame().assign(load=[1, 2, None, 4, 5]), "column `load`: 1 of 5 numbers are missing, the first at row 2"),
    ],
)
def test_mistakes(raw: Any, message: str) -> None:
    with pytest.raises(DataError) as error:
        WINDOW.prepare(raw)
    assert message in error.value.message


def test_missing_numbers_as_trained() -> None:
    filled = Window(context=3, time="date", features=("load",), missing="last", target=TARGET)
    prepared = filled.prepare(frame().assign(load=[1, 2, None, None, 5]))["sequence"]
    assert np.asarray(prepared)[0, :, 0].tolist() == [2, 2, 5]
