from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpipe.data.preparation.table import Table as Preparation
from kpipe.data.table import Table
from kpipe.errors import DataError

MADE = Preparation.model_validate(
    {
        "columns": [
            {"kind": "number", "name": "mass", "fill": 4.5},
            {"kind": "category", "name": "island", "values": ["east", "west"], "missing": True},
            {"kind": "number", "name": "age"},
            {"kind": "category", "name": "room", "values": ["1", "2"]},
        ],
        "targets": ["kind"],
        "target": {"task": "classes", "names": ["ant", "bee"]},
    }
)


def rows(**columns: Any) -> pd.DataFrame:
    table = {"mass": [1.0, 2.0], "island": ["west", "east"], "age": [3, 4], "room": [1, 2]}
    return pd.DataFrame({**table, **columns})


def test_features_are_named() -> None:
    assert MADE.features == ("mass", "island=east", "island=west", "island=(missing)", "age", "room=1", "room=2")


def test_rows_become_vectors() -> None:
    prepared = MADE.prepare(rows())["vector"]
    assert prepared.dtype == np.float32
    np.testing.assert_array_equal(prepared, [[1, 0, 1, 0, 3, 1, 0], [2, 1, 0, 0, 4, 0, 1]])


def test_named_rows_as_a_server_gets_them() -> None:
    named = rows().to_dict(orient="records")
    np.testing.assert_array_equal(MADE.prepare(named)["vector"], MADE.prepare(rows())["vector"])


def test_missing_and_unknown_go_by_the_stated_rule() -> None:
    prepared = MADE.prepare(rows(mass=[None, "7"], island=[None, "north"], room=[None, 2.0]))["vector"]
    np.testing.assert_array_equal(prepared, [[4.5, 0, 0, 1, 3, 0, 0], [7, 0, 0, 0, 4, 0, 1]])


def test_penguins_are_prepared_as_in_training(shared_data: Path) -> None:
    path = shared_data / "penguins" / "penguins.csv"
    splits = Table.model_validate({"path": str(path), "target": "species", "missing": "mean"}).load(0)
    examples = splits.preparation.read([path])
    assert examples.targets is not None
    assert len(examples.names) == 344
    read = sorted(
        row.tobytes() + bytes([target]) for row, target in zip(examples.inputs["vector"], examples.targets, strict=True)
    )
    trained = sorted(
        row.tobytes() + bytes([target])
        for _, split in splits
        for batch in [split.take(np.arange(len(split)))]
        for row, target in zip(batch["vector"], batch["target"], strict=True)
    )
    assert read == trained


def test_a_table_without_targets_has_none(tmp_path: Path) -> None:
    rows().to_parquet(tmp_path / "a.parquet")
    assert MADE.read([tmp_path / "a.parquet"]).targets is None
    rows(kind=["bee", "ant"]).to_parquet(tmp_path / "a.parquet")
    targets = MADE.read([tmp_path / "a.parquet"]).targets
    assert targets is not None
    assert targets.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("raw", "message", "hint"),
    [
        (rows().drop(columns=["age", "mass"]), "no column `mass`, `age`", "it has: island, room"),
        (rows().rename(columns={"mass": "masss"}), "no column `mass`", "did you mean `masss`?"),
        (rows(age=[None, 3]), "column `age`: 1 of 2 numbers are missing, the first at row 0", "missing: mean"),
        (rows(age=[3, "old"]), "column `age`: 1 of 2 values are no finite numbers, the first is `old` at row 1", ""),
        (rows(mass=[3, np.inf]), "column `mass`: 1 of 2 values are no finite numbers, the first is `inf` at row 1", ""),
        (np.zeros((2, 4)), "an array has no column names, expected a table", "DataFrame"),
    ],
)
def test_tables_that_do_not_fit_are_refused(raw: Any, message: str, hint: str) -> None:
    with pytest.raises(DataError) as error:
        MADE.prepare(raw)
    assert message in error.value.message
    assert hint in error.value.hint


def test_unknown_targets_are_told_with_the_nearest(tmp_path: Path) -> None:
    rows(kind=["bee", "ants"]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=r"a\.csv: kind: 1 of 2 .* `ants` first, at row 1; expected ant, bee") as error:
        MADE.read([tmp_path / "a.csv"])
    assert error.value.hint == "did you mean `ant`?"
