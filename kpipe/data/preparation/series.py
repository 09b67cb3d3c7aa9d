"""Series: the rows of a table in the order of time, checked; and their windows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from kpipe.data.preparation.columns import as_numbers
from kpipe.data.preparation.frames import check_columns, read_frame
from kpipe.data.preparation.window_split import WindowSplit
from kpipe.data.split_rule import SplitName, TimeSplitRule
from kpipe.errors import DataError

GAP = 1.5
"""A step longer than this many usual ones is a gap."""


@dataclass(frozen=True)
class Series:
    """What goes in and what is forecast, row by row, and when."""

    inputs: np.ndarray
    """(rows, features) float32"""
    values: np.ndarray
    """(rows, targets) float32"""
    times: pd.Series
    features: tuple[str, ...]
    targets: tuple[str, ...]
    where: str

    @classmethod
    def read(
        cls, path: Path, time: str, features: Sequence[str], targets: Sequence[str], missing: str, separator: str | None
    ) -> Series:
        """Raises: DataError."""
        frame = read_frame(path, separator)
        check_columns(frame, [time, *features, *targets], str(path))
        others = [str(name) for name in frame.columns if name != time]
        numbers = tuple(name for name in others if holds_numbers(frame[name]))
        if not numbers:
            seen = ", ".join(f"`{name}` begins with `{frame[name].iloc[0]}`" for name in others[:3])
            raise DataError(
                f"{path}: no column of numbers beside `{time}`" + (f": {seen}" if seen else ""),
                "set `separator:` if it is not a comma; write numbers as 1234.5",
            )
        features, targets = tuple(features) or numbers, tuple(targets) or numbers
        return cls(
            rows_of(frame, features, missing, str(path)),
            rows_of(frame, targets, missing, str(path)),
            times_of(frame[time], str(path)),
            features,
            targets,
            str(path),
        )

    def __len__(self) -> int:
        return len(self.inputs)

    def borders(self, rule: TimeSplitRule) -> tuple[int, int, int, int]:
        """The rows where train, validation and test begin, and where test ends. Raises: DataError."""
        if not rule.borders:
            test = len(self) - round(len(self) * rule.test)
            return 0, test - round(len(self) * rule.validation), test, len(self)
        rows = [self.row_of(border) for border in rule.borders]
        found = (0, *rows) if len(rows) == 3 else (0, *rows, len(self))
        if list(found) != sorted(set(found)) or found[-1] > len(self):
            words = ", ".join(str(border) for border in rule.borders)
            raise DataError(
                f"{self.where}: borders {words} are rows {', '.join(map(str, rows))}; expected rising ones within the "
                f"{len(self)} rows, from {self.times.iloc[0]} to {self.times.iloc[-1]}"
            )
        return found  # type: ignore[return-value]

    def row_of(self, border: int | str) -> int:
        """The first row that is not before a time; a count of rows as it is. Raises: DataError."""
        if isinstance(border, int):
            return border
        if not pd.api.types.is_datetime64_any_dtype(self.times.dtype):
            raise DataError(f"{self.where}: border `{border}` is a time, but `{self.times.name}` holds numbers")
        try:
            moment = pd.Timestamp(border)
        except ValueError as error:
            raise DataError(f"{self.where}: border `{border}` is no time", "write it as 2017-07-01 00:00") from error
        zone = self.times.dt.tz
        if zone is not None:
            moment = moment.tz_localize(zone) if moment.tzinfo is None else moment.tz_convert(zone)
        return int(self.times.searchsorted(moment))

    @property
    def fact(self) -> str:
        """``date: 2016-07-01 to 2018-06-26, a row every 0 days 01:00:00, no gap``."""
        steps = self.times.diff().iloc[1:]
        usual = steps.median()
        gaps = steps[steps > GAP * usual]
        line = f"{self.times.name}: {self.times.iloc[0]} to {self.times.iloc[-1]}, a row every {usual}"
        if gaps.empty:
            return f"{line}, no gap"
        row = int(steps.argmax()) + 1
        return f"{line}; {len(gaps)} gaps, the longest {gaps.max()}, before {self.times.iloc[row]}"

    def fingerprint(self, splits: Mapping[SplitName, WindowSplit]) -> str:
        """SHA-256 over the numbers and over which windows are in which split."""
        digest = hashlib.sha256(repr((self.features, self.targets)).encode())
        for name, split in sorted(splits.items()):
            digest.update(repr((name, split.first, split.count, split.stride, split.context, split.horizon)).encode())
        for array in (self.inputs, self.values):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def windowed(
    series: Series, borders: tuple[int, int, int, int], context: int, horizon: int, stride: int
) -> Mapping[SplitName, WindowSplit]:
    """The windows of each split, whose forecasts lie between its borders. Raises: DataError: one has no window."""
    splits: dict[SplitName, WindowSplit] = {}
    names: tuple[SplitName, ...] = ("train", "validation", "test")
    for name, begin, end in zip(names, borders, borders[1:], strict=False):
        first = max(begin, context)
        room = end - first - horizon
        if room < 0:
            needed = horizon + (context if name == "train" else 0)
            raise DataError(
                f"{series.where}: {name} has {end - begin} rows, too few for one window",
                f"it needs at least {needed}: make `context` or `horizon` smaller, or {name} longer",
            )
        splits[name] = WindowSplit(series.inputs, series.values, first, room // stride + 1, stride, context, horizon)
    return splits


def holds_numbers(column: pd.Series) -> bool:
    """Whether it is meant to: more than half of what is there. (One word makes text of the others for pandas.)"""
    if not (column.dtype == object or isinstance(column.dtype, pd.StringDtype)):
        return pd.api.types.is_numeric_dtype(column.dtype)
    there = column.dropna()
    return bool(pd.to_numeric(there, errors="coerce").notna().mean() > 0.5) if len(there) else False


def rows_of(frame: pd.DataFrame, names: Sequence[str], missing: str, where: str) -> np.ndarray:
    """Columns of numbers (rows, names) float32. Raises: DataError: a word, an infinite or a missing number."""
    columns = []
    for name in names:
        numbers = pd.Series(as_numbers(frame[name], where))
        numbers = numbers.ffill() if missing == "last" else numbers
        absent = np.flatnonzero(numbers.isna())
        if len(absent):
            raise DataError(
                f"{where}: column `{name}`: {len(absent)} of {len(numbers)} numbers are missing, the first at row "
                f"{absent[0]}",
                "fill them in, or set `missing: last`" if missing == "error" else "nothing stands before them",
            )
        columns.append(numbers.to_numpy(np.float32))
    return np.stack(columns, axis=1)


def times_of(column: pd.Series, where: str) -> pd.Series:
    """The times as pandas knows them, or numbers. Raises: DataError: one cannot be read, or does not rise."""
    place = f"{where}: column `{column.name}`"
    try:
        are_numbers = is_numeric_dtype(column) and not is_bool_dtype(column)
        times = column if are_numbers else pd.to_datetime(column)
    except (ValueError, TypeError) as error:
        why = str(error).splitlines()[0]
        raise DataError(f"{place}: holds no times: {why}", "write them as 2017-07-01 00:00") from error
    if times.isna().any():
        raise DataError(f"{place}: the time of row {int(np.flatnonzero(times.isna())[0])} is missing")
    back = np.flatnonzero(times.diff().iloc[1:] <= times.iloc[0] - times.iloc[0])
    if len(back):
        row = int(back[0]) + 1
        raise DataError(
            f"{place}: row {row}, {times.iloc[row]}, is not later than the row before, {times.iloc[row - 1]}",
            "sort the rows by time, and keep one row of each",
        )
    return times
