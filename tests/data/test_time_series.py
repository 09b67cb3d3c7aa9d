from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kpipe.data.preparation.window_split import WindowSplit
from kpipe.data.splits import Splits
from kpipe.data.time_series import TimeSeries
from kpipe.errors import DataError


def load(path: Path | str, **fields: Any) -> Splits:
    return TimeSeries.model_validate({"path": str(path), "time": "date", **fields}).load(0)


def frame(rows: int = 100) -> pd.DataFrame:
    """Each row holds its own number, so that a window tells where it is from."""
    row = np.arange(rows)
    times = pd.date_range("2024-01-01", periods=rows, freq="h").astype(str)
    return pd.DataFrame({"date": times, "row": row.astype(float), "half": row / 2, "name": "x"})


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    frame().to_csv(path, index=False)
    return path


def all_of(split: Any) -> dict[str, np.ndarray]:
    return dict(split.take(np.arange(len(split))))


def test_ett_with_the_usual_borders(shared_data: Path) -> None:
    path = shared_data / "ett" / "ETTh1.csv"
    by_rows = load(path, context=96, horizon=96, split={"borders": [8640, 11520, 14400]})
    assert [len(split) for _, split in by_rows] == [8449, 2785, 2785]
    by_times = load(path, context=96, horizon=96, split={"borders": ["2017-06-26", "2017-10-24", "2018-02-21"]})
    assert by_times.fingerprint == by_rows.fingerprint
    feature, target = by_rows.signature.input, by_rows.signature.target
    assert feature.columns == target.names == ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
    raw = pd.read_csv(path)["OT"].to_numpy()
    assert feature.mean[-1] == pytest.approx(raw[:8640].mean(), rel=1e-6)
    assert target.variance[-1] == pytest.approx(raw[:8640].var(), rel=1e-6)
    first = by_rows.test.take(np.array([0]))
    np.testing.assert_allclose(first["sequence"][0, :, -1], raw[11520 - 96 : 11520], rtol=1e-6)
    np.testing.assert_allclose(first["target"][0, :, -1], raw[11520 : 11520 + 96], rtol=1e-6)
    assert by_rows.facts == ("date: 2016-07-01 00:00:00 to 2018-06-26 19:00:00, a row every 0 days 01:00:00, no gap",)


def test_what_is_forecast_never_leaves_its_split(csv: Path) -> None:
    splits = load(csv, context=10, horizon=4, target="row")
    bounds = {"train": (0, 80), "validation": (80, 90), "test": (90, 100)}
    for name, split in splits:
        batch = all_of(split)
        begin, end = bounds[name]
        assert batch["target"].min() == max(begin, 10)
        assert batch["target"].max() == end - 1
        np.testing.assert_array_equal(batch["sequence"][:, -1, 0] + 1, batch["target"][:, 0, 0])
    assert all_of(splits.validation)["sequence"].min() == 70 / 2, "context may be older than the border"


@given(st.integers(1, 12), st.integers(1, 8), st.integers(1, 9), st.integers(0, 20))
def test_windows_are_rows_in_their_order(context: int, horizon: int, stride: int, count: int) -> None:
    rows = np.arange(context + horizon + stride * count)[:, None].astype(np.float32)
    split = WindowSplit(rows, -rows, context, count + 1, stride, context, horizon)
    batch = all_of(split)
    begins = np.arange(count + 1) * stride
    np.testing.assert_array_equal(batch["sequence"][..., 0], begins[:, None] + np.arange(context))
    np.testing.assert_array_equal(batch["target"][..., 0], -(begins[:, None] + context + np.arange(horizon)))


def test_stride_features_and_targets(csv: Path) -> None:
    splits = load(csv, context=10, horizon=4, stride=5, features="half", target=["row", "half"])
    batch = all_of(splits.train)
    assert batch["sequence"].shape == (len(splits.train), 10, 1)
    assert batch["target"].shape == (len(splits.train), 4, 2)
    np.testing.assert_array_equal(np.diff(batch["target"][:, 0, 0]), 5)
    assert splits.signature.target.names == ("row", "half")
    assert splits.signature.target.horizon == 4


def test_windows_are_not_made_before_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    pd.DataFrame({"date": np.arange(20_000), "load": 1.0}).to_csv(path, index=False)
    splits = load(path, context=5000, horizon=10, split={"validation": 0.2, "test": 0.2})
    assert isinstance(splits.train, WindowSplit)
    assert splits.train.inputs is splits.test.inputs
    assert splits.train.inputs.nbytes == 20_000 * 4
    assert len(splits.train) == 12_000 - 5000 - 10 + 1


def test_times_of_every_sort_and_files_of_every_sort(csv: Path, tmp_path: Path) -> None:
    data = frame()
    data.assign(date=pd.to_datetime(data["date"])).to_parquet(tmp_path / "data.parquet")
    data.assign(date=pd.to_datetime(data["date"], utc=True)).to_parquet(tmp_path / "zone.parquet")
    data.assign(date=np.arange(100)).to_csv(tmp_path / "numbers.tsv", sep="\t", index=False)
    names = ["data.csv", "data.parquet", "zone.parquet", "numbers.tsv"]
    assert len({load(tmp_path / name, context=4, horizon=2).fingerprint for name in names}) == 1
    zone = load(tmp_path / "zone.parquet", context=4, horizon=2, split={"borders": ["2024-01-03", "2024-01-04"]})
    assert zone.fingerprint == load(csv, context=4, horizon=2, split={"borders": [48, 72]}).fingerprint


def test_gaps_are_told(tmp_path: Path) -> None:
    data = frame().drop(index=[20, 50, 51, 52])
    data.to_csv(tmp_path / "data.csv", index=False)
    (fact,) = load(tmp_path / "data.csv", context=4, horizon=2).facts
    assert fact.endswith("a row every 0 days 01:00:00; 2 gaps, the longest 0 days 04:00:00, before 2024-01-03 05:00:00")


def test_missing_numbers(tmp_path: Path) -> None:
    data = frame()
    data.loc[[7, 8], "half"] = np.nan
    data.to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(DataError, match="column `half`: 2 of 100 numbers are missing, the first at row 7") as error:
        load(tmp_path / "data.csv", context=4, horizon=2)
    assert "missing: last" in error.value.hint
    filled = load(tmp_path / "data.csv", context=4, horizon=2, missing="last", target="row")
    assert isinstance(filled.train, WindowSplit)
    assert filled.train.inputs[6:10, 1].tolist() == [3.0, 3.0, 3.0, 4.5]


def change(column: str, row: int, value: Any) -> Any:
    def changed(data: pd.DataFrame) -> pd.DataFrame:
        data[column] = data[column].astype(object)
        data.loc[row, column] = value
        return data

    return changed


def comma_for_point(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(**{name: data[name].astype(str).str.replace(".", ",") for name in ("row", "half")})


@pytest.mark.parametrize(
    ("make", "fields", "message"),
    [
        (change("date", 5, "2024-01-01 03:00:00"), {}, "row 5, 2024-01-01 03:00:00, is not later than the row before"),
        (change("date", 5, "2024-01-01 04:00:00"), {}, "row 5, 2024-01-01 04:00:00, is not later than the row before"),
        (change("date", 5, "soon"), {}, "column `date`: holds no times"),
        (lambda data: data.assign(date=True), {}, "column `date`: holds no times"),
        (change("date", 5, None), {}, "the time of row 5 is missing"),
        (change("row", 5, "many"), {"target": "row"}, "column `row`: 1 of 100 values are no finite numbers"),
        (change("row", 5, "inf"), {"target": "row"}, "column `row`: 1 of 100 values are no finite numbers"),
        (
            change("row", 5, "many"),
            {},
            "column `row`: 1 of 100 values are no finite numbers, the first is `many` at row 5",
        ),
        (comma_for_point, {}, "no column of numbers beside `date`: `row` begins with `0,0`, `half` begins with `0,0`"),
        (None, {"time": "dat"}, "no column `dat`"),
        (None, {"target": "rows"}, "no column `rows`"),
        (None, {"context": 90}, "train has 80 rows, too few for one window"),
        (None, {"horizon": 11}, "validation has 10 rows, too few for one window"),
        (None, {"split": {"borders": [50, 200]}}, "borders 50, 200 are rows 50, 200; expected rising ones"),
        (None, {"split": {"borders": ["2025-01-01", "2026-01-01"]}}, "are rows 100, 100; expected rising ones"),
        (None, {"split": {"borders": ["soon", "later"]}}, "border `soon` is no time"),
    ],
)
def test_mistakes_of_the_data(tmp_path: Path, make: Any, fields: dict[str, Any], message: str) -> None:
    data = frame() if make is None else make(frame())
    data.to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(DataError) as error:
        load(tmp_path / "data.csv", **{"context": 10, "horizon": 4, **fields})
    assert message in error.value.message


@pytest.mark.parametrize("borders", [[5], [9, 5], [5, 5], [1, "2024-01-01"], [1, 2, 3, 4]])
def test_borders_that_cannot_be(csv: Path, borders: list[Any]) -> None:
    with pytest.raises(ValidationError):
        TimeSeries.model_validate({"path": str(csv), "time": "date", "split": {"borders": borders}})


def test_borders_may_be_dates_as_yaml_reads_them(csv: Path) -> None:
    import yaml

    borders = yaml.safe_load("[2024-01-03, 2024-01-04 00:00:00]")
    assert load(csv, context=4, horizon=2, split={"borders": borders}).fingerprint == (
        load(csv, context=4, horizon=2, split={"borders": [48, 72]}).fingerprint
    )
