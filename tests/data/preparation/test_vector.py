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


def test_numbers_without_a_header_are_no_targets(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "a.csv", index=False, header=False)
    for task in ("classes", "values"):
        target = Target.model_validate({"task": task, "names": ["0", "1"][: 2 if task == "classes" else 1]})
        examples = Vector(size=2, target=target).read([tmp_path / "a.csv"])
        np.testing.assert_allclose(examples.inputs["vector"], NUMBERS)
        assert examples.targets is None


def test_a_class_is_no_column_of_targets(tmp_path: Path) -> None:
    table = "ant,bee\n1,2\n3,4\n"
    (tmp_path / "a.csv").write_text(table, encoding="utf-8")
    bare = Vector(size=2, target=NAMED.target)
    assert bare.read([tmp_path / "a.csv"]).inputs["vector"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("5.1,5.1\n1,2\n", [[5.1, 5.1], [1, 2]]),
        ("7,7\n", [[7, 7]]),
        ("\ufeff-1e3, .5\n", [[-1000, 0.5]]),
    ],
    ids=["equal numbers", "one row", "signs and blanks"],
)
def test_the_first_row_without_a_header_is_kept(tmp_path: Path, text: str, rows: list[list[float]]) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    np.testing.assert_allclose(BARE.read([tmp_path / "a.csv"]).inputs["vector"], np.float32(rows))


def test_a_missing_number_in_the_first_row_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("5.1,\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="1 of 2 rows hold NaN or infinite numbers, the first is row 0"):
        BARE.read([tmp_path / "a.csv"])


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
