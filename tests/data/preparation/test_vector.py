from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpipe.data.preparation.vector import Vector
from kpipe.errors import DataError
from kpipe.signature import Target

NUMBERS = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
NAMED = Vector(size=2, columns=("width", "height"), target=Target(task="classes", names=("ant", "bee")))
BARE = Vector(size=2, target=Target(task="values", names=("price",)))


def frame() -> pd.DataFrame:
    return pd.DataFrame(NUMBERS.astype(np.float64), columns=["width", "height"])


@pytest.mark.parametrize(
    "raw", [NUMBERS, NUMBERS.astype(np.float64), NUMBERS.tolist(), frame(), frame()[["height", "width"]]]
)
def test_numbers_in_memory(raw: Any) -> None:
    prepared = NAMED.prepare(raw)["vector"]
    assert prepared.dtype == np.float32
    np.testing.assert_array_equal(prepared, NUMBERS)


def test_tables_by_column_names_in_any_order_with_targets(tmp_path: Path) -> None:
    table = frame()[["height", "width"]].assign(target=["bee", "ant", "bee", "ant"], note=0)
    table.to_csv(tmp_path / "a.csv", index=False)
    examples = NAMED.read([tmp_path / "a.csv"])
    np.testing.assert_allclose(examples.inputs["vector"], NUMBERS)
    assert examples.targets is not None
    assert examples.targets.tolist() == [1, 0, 1, 0]
    assert examples.names[3] == f"{tmp_path / 'a.csv'}:3"


def test_tables_without_a_header(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "a.csv", index=False, header=False)
    np.testing.assert_allclose(NAMED.read([tmp_path / "a.csv"]).inputs["vector"], NUMBERS)


def test_values_beside_the_numbers(tmp_path: Path) -> None:
    frame().assign(price=[1.5, 2.5, 3.5, 4.5]).to_csv(tmp_path / "a.csv", index=False)
    examples = BARE.read([tmp_path / "a.csv"])
    assert examples.targets is not None
    assert examples.targets.tolist() == [[1.5], [2.5], [3.5], [4.5]]


def test_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", NUMBERS)
    np.savez(tmp_path / "a.npz", x=NUMBERS, y=np.array([0, 1, 1, 0]))
    np.testing.assert_array_equal(NAMED.read([tmp_path / "a.npy"]).inputs["vector"], NUMBERS)
    examples = NAMED.read([tmp_path / "a.npz"])
    assert examples.targets is not None
    assert examples.targets.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (NUMBERS[:, :1], "shape (4, 1), expected (n, 2)"),
        (NUMBERS[0], "shape (2,), expected (n, 2)"),
        (NUMBERS * np.nan, "4 of 4 rows hold NaN or infinite numbers, the first is row 0: column `width` is nan"),
        (frame().rename(columns={"width": "widht"}), "no column `width`"),
        (frame().assign(height="tall"), "column `height` holds words, expected numbers"),
        ([[1, "x"]], "expected numbers"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(raw: Any, message: str) -> None:
    with pytest.raises(DataError) as error:
        NAMED.prepare(raw)
    assert message in error.value.message


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        NAMED.read([tmp_path / "none.csv"])
    with pytest.raises(DataError, match="is a folder, expected a file"):
        NAMED.read([tmp_path])
    np.savez(tmp_path / "a.npz", x=NUMBERS, y=np.array([0, 1]))
    with pytest.raises(DataError, match="`x` holds 4 examples, `y` 2"):
        NAMED.read([tmp_path / "a.npz"])
