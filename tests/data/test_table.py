from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from kpipe.data.splits import Splits
from kpipe.data.table import Table
from kpipe.errors import DataError


def load(path: Path, **fields: Any) -> Splits:
    return Table.model_validate({"path": str(path), **fields}).load(0)


def frame(rows: int = 60) -> pd.DataFrame:
    index = np.arange(rows)
    return pd.DataFrame(
        {
            "mass": index * 0.5,
            "count": index % 7,
            "island": np.where(index % 3 == 0, "south", "north"),
            "kind": np.where(index % 2 == 0, "ant", "bee"),
        }
    )


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    frame().to_csv(path, index=False)
    return path


def all_of(splits: Splits, name: str) -> np.ndarray:
    return np.concatenate([split.take(np.arange(len(split)))[name] for _, split in splits])


def test_penguins(shared_data: Path) -> None:
    path = shared_data / "penguins" / "penguins.csv"
    splits = load(path, target="species", drop=["year"], missing="mean")
    assert splits.signature.target.names == ("Adelie", "Chinstrap", "Gentoo")
    assert [len(split) for _, split in splits] == [240, 35, 69]
    assert splits.signature.input.columns == (
        "island=Biscoe", "island=Dream", "island=Torgersen", "bill_length_mm", "bill_depth_mm", "flipper_length_mm",
        "body_mass_g", "sex=female", "sex=male", "sex=(missing)",
    )  # fmt: skip
    vectors = all_of(splits, "vector")
    assert np.isfinite(vectors).all()
    sex = vectors[:, 7:]
    np.testing.assert_array_equal(sex.sum(axis=1), 1)
    assert sex[:, 2].sum() == 11


def test_penguins_with_missing_numbers_dropped(shared_data: Path) -> None:
    path = shared_data / "penguins" / "penguins.csv"
    splits = load(path, target="species", missing="drop")
    assert splits.skipped == (f"{path}:3", f"{path}:271")
    assert sum(len(split) for _, split in splits) == 342


def test_penguins_with_missing_numbers_as_an_error(shared_data: Path) -> None:
    with pytest.raises(DataError, match=r"column `bill_length_mm`: 2 of 344 numbers are missing, the first at row 3"):
        load(shared_data / "penguins" / "penguins.csv", target="species")


@pytest.mark.parametrize("rule", ["mean", "median"])
def test_missing_numbers_are_filled_with_what_train_has(tmp_path: Path, rule: str) -> None:
    data = frame()
    data.loc[5:20:3, "mass"] = np.nan
    data.to_csv(tmp_path / "data.csv", index=False)
    splits = load(tmp_path / "data.csv", target="kind", features=["mass"], missing=rule)
    (fill,) = [column.fill for column in splits.preparation.columns]  # type: ignore[attr-defined]
    train = splits.train.take(np.arange(len(splits.train)))["vector"][:, 0]
    present = train[train != np.float32(fill)]
    assert fill == pytest.approx(getattr(np, rule)(present))
    assert (all_of(splits, "vector") == np.float32(fill)).sum() == 6


def test_parquet_gives_the_same_as_csv(csv: Path, tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "data.parquet")
    frame().to_csv(tmp_path / "data.tsv", index=False, sep="\t")
    frame().to_csv(tmp_path / "data.csv.gz", index=False)
    frame().to_json(tmp_path / "data.jsonl", orient="records", lines=True)
    prints = {
        load(tmp_path / name, target="kind").fingerprint
        for name in ("data.csv", "data.parquet", "data.tsv", "data.csv.gz", "data.jsonl")
    }
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("line", "why"), [("[1, 2]", "row 1 is no object"), ("{", "row 1 is no JSON, from its column 2")]
)
def test_json_lines_that_are_none(tmp_path: Path, line: str, why: str) -> None:
    (tmp_path / "data.jsonl").write_text('{"mass": 1, "kind": "a"}\n\n' + line + "\n")
    with pytest.raises(DataError, match=why):
        load(tmp_path / "data.jsonl", target="kind")


def test_separator(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    frame().to_csv(path, index=False, sep=";")
    with pytest.raises(DataError) as error:
        load(path, target="kind")
    assert error.value.hint == "set `separator: ';'`"
    assert load(path, target="kind", separator=";").signature.target.size == 2


@pytest.mark.parametrize(
    ("target", "task", "names"),
    [
        ("kind", "classes", ("ant", "bee")),
        ("count", "classes", ("0", "1", "2", "3", "4", "5", "6")),
        ("mass", "values", ("mass",)),
        (["mass", "count"], "values", ("mass", "count")),
    ],
)
def test_the_task_follows_from_the_column(csv: Path, target: Any, task: str, names: tuple[str, ...]) -> None:
    found = load(csv, target=target).signature.target
    assert (found.task, found.names) == (task, names)


def test_several_columns_of_booleans_are_labels(tmp_path: Path) -> None:
    data = frame()
    data["old"], data["ill"] = data["mass"] > 10, data["count"] > 3
    data.to_csv(tmp_path / "data.csv", index=False)
    splits = load(tmp_path / "data.csv", target=["old", "ill"])
    assert (splits.signature.target.task, splits.signature.target.names) == ("labels", ("old", "ill"))
    batch = splits.test.take(np.arange(len(splits.test)))
    mass = splits.signature.input.columns.index("mass")
    np.testing.assert_array_equal(batch["target"][:, 0], batch["vector"][:, mass] > 10)


def test_whole_numbers_can_be_values_or_categories(csv: Path) -> None:
    assert load(csv, target="count", target_task="values").signature.target.task == "values"
    columns = load(csv, target="kind", features=["count"], categorical=["count"]).signature.input.columns
    assert columns == tuple(f"count={number}" for number in range(7))


def test_splits_from_a_column(tmp_path: Path) -> None:
    data = frame()
    data["fold"] = np.where(data.index < 40, "train", np.where(data.index < 50, "val", "test"))
    data.to_csv(tmp_path / "data.csv", index=False)
    splits = load(tmp_path / "data.csv", target="kind", split={"column": "fold"})
    assert [len(split) for _, split in splits] == [40, 10, 10]
    assert "fold=train" not in splits.signature.input.columns
    assert set(splits.test.take(np.arange(10))["vector"][:, 0]) == set(np.arange(50, 60) * 0.5)


def test_splits_from_a_column_of_numbers(tmp_path: Path) -> None:
    data = frame()
    data["fold"] = data.index % 5
    data.to_csv(tmp_path / "data.csv", index=False)
    rule = {"column": "fold", "names": {"train": "0", "test": "1"}}
    splits = load(tmp_path / "data.csv", target="kind", split=rule)
    assert [len(split) for _, split in splits] == [10, 2, 12]


def test_a_category_that_train_lacks_is_zero_everywhere(tmp_path: Path) -> None:
    data = frame()
    data["fold"] = np.where(data.index < 40, "train", np.where(data.index < 50, "validation", "test"))
    data.loc[55:, "island"] = "east"
    data.loc[58:, "island"] = None
    data.to_csv(tmp_path / "data.csv", index=False)
    splits = load(tmp_path / "data.csv", target="kind", features=["island"], split={"column": "fold"})
    assert splits.signature.input.columns == ("island=north", "island=south")
    np.testing.assert_array_equal(splits.test.take(np.arange(10))["vector"].sum(axis=1), [1] * 5 + [0] * 5)


def spoilt(column: str, rows: slice, value: Any) -> pd.DataFrame:
    data = frame().astype({column: object})
    data.loc[rows, column] = value
    return data


@pytest.mark.parametrize(
    ("data", "fields", "message", "hint"),
    [
        (frame(), {"target": "knd"}, "no column `knd`", "did you mean `kind`?"),
        (frame(), {"target": "kind", "features": ["mas", "island"]}, "no column `mas`", "did you mean `mass`?"),
        (frame(), {"target": "kind", "drop": ["isle"]}, "no column `isle`", "mass, count, island, kind"),
        (
            spoilt("mass", slice(4, 5), "inf"),
            {"target": "kind"},
            "column `mass`: 2 of 60 values are no finite numbers, the first is `inf` at row 4",
            "",
        ),
        (
            spoilt("kind", slice(7, 9), None),
            {"target": "kind"},
            "column `kind`: 3 of 60 targets are missing, the first at row 7",
            "missing: drop",
        ),
        (
            frame().assign(name=[f"n{i}" for i in range(60)]),
            {"target": "kind", "max_categories": 20},
            "column `name`: 42 different words in 42 rows of train, more than 20: `n",
            "drop: [name]",
        ),
        (
            frame(),
            {"target": "kind", "split": {"column": "island"}},
            "none of its values is `train`; it has north, south",
            "names: {train:",
        ),
        (frame(), {"target": "kind", "split": {"column": "fold"}}, "no column `fold`", ""),
        (
            frame().assign(fold=["train"] * 50 + ["dev"] * 5 + ["tst"] * 5),
            {"target": "kind", "split": {"column": "fold"}},
            "column `fold`: `tst` is no split",
            "names",
        ),
        (
            frame().assign(fold=["train"] * 50 + [None] * 10),
            {"target": "kind", "split": {"column": "fold"}},
            "column `fold`: 10 rows have no split, the first is row 50",
            "",
        ),
        (frame()[["kind"]], {"target": "kind"}, "no column is left to predict from", ""),
        (frame(0), {"target": "kind"}, "has no rows", ""),
        (
            frame(),
            {"target": "mass", "target_task": "labels"},
            "label `mass` of row 1 is 0.5, expected 0 or 1",
            "target_task: values",
        ),
        (
            frame(),
            {"target": "kind", "target_task": "values"},
            "holds words, but the task `values` needs numbers",
            "target_task: classes",
        ),
    ],
)
def test_mistakes_name_the_column(
    tmp_path: Path, data: pd.DataFrame, fields: dict[str, Any], message: str, hint: str
) -> None:
    path = tmp_path / "data.csv"
    data.to_csv(path, index=False)
    with pytest.raises(DataError) as error:
        load(path, **fields)
    assert message in error.value.message
    assert hint in error.value.hint
    assert "data.csv" in error.value.message


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("mass,kind,mass,mass.1,,\n1,a,2,3,4,5\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"data\.csv: has two columns `mass`"):
        load(tmp_path / "data.csv", target="kind")


def test_a_column_of_dates_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    frame().assign(day=pd.Timestamp("2024-05-03")).to_parquet(path)
    with pytest.raises(DataError, match="column `day` holds datetime64") as error:
        load(path, target="kind")
    assert error.value.hint == "leave it out with `drop: [day]`"


@pytest.mark.parametrize(
    ("name", "content", "message", "hint"),
    [
        ("data.csv", b"", "is empty", ""),
        ("data.csv", b"a,b\n1,2\n1,2,3,4\n", "line 3 has 4 cells, those before it 2", "stands in quotation marks"),
        ("data.csv", b"a,b\n1,2,3\n1,2,3\n", "its rows have more cells than its first line", "name every column"),
        ("data.csv", b"a,b\n1,2,\n1,2,\n", "its rows have more cells than its first line", "end no row with"),
        ("data.csv", b'a,b\n1,"2\n1,2\n', "a quotation mark in line 2 is never closed", "close it"),
        ("data.csv", "a,b\n1,2\n1,caf\xe9\n".encode("latin1"), "byte 0xe9 in line 3", "iconv -f latin1 -t utf-8"),
        ("data.csv", "a,b\n1,2\n".encode("utf-16"), "byte 0xff in line 1", "iconv -f utf-16 -t utf-8"),
        ("data.jsonl", '{"a": "\xe9"}\n'.encode("latin1"), "byte 0xe9 in line 1", "iconv -f latin1 -t utf-8"),
        ("data.parquet", b"hello", "is no Parquet file", "write it anew"),
        ("data.csv.gz", b"a,b\n1,2\n", "ends in .gz, but is not compressed", "rename it to data.csv"),
        ("data.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:20], "ends too soon or is damaged", "copy or download"),
        ("data.xlsx", b"hello", "is no table that kpipe reads", ".csv"),
    ],
)
def test_files_that_are_no_table_are_refused(
    tmp_path: Path, name: str, content: bytes, message: str, hint: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        load(tmp_path / name, target="kind")
    assert message in error.value.message
    assert hint in error.value.hint
    assert name in error.value.message


def test_fields_that_contradict_are_refused(csv: Path) -> None:
    with pytest.raises(ValidationError) as error:
        Table.model_validate({"path": str(csv), "target": "kind", "features": ["kind", "mass"], "drop": ["mass"]})
    problems = error.value.errors()[0]["ctx"]["problems"]
    assert [problem.message for problem in problems] == ["`kind` is the target too", "`mass` is in features too"]
