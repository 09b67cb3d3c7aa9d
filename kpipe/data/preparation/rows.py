"""The rows of a training table: read, checked, divided; and what train teaches about their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kpipe.data.preparation import columns
from kpipe.data.preparation.frames import check_columns, read_frame
from kpipe.data.preparation.learn import Part
from kpipe.data.preparation.split import divide, given_names
from kpipe.data.preparation.table import raw_targets
from kpipe.data.preparation.targets import plain, word
from kpipe.errors import DataError
from kpipe.signature import Task

if TYPE_CHECKING:
    from kpipe.data.split_rule import ColumnSplitRule, SplitName
    from kpipe.data.table import Table


@dataclass(frozen=True)
class Rows:
    """The feature columns, the raw targets and the split of each row; and the rows left out."""

    frame: pd.DataFrame
    targets: np.ndarray
    splits: pd.Series | None
    skipped: tuple[str, ...]

    @classmethod
    def read(cls, source: Table) -> Rows:
        """Raises: DataError."""
        from pathlib import Path

        frame = read_frame(Path(source.path), source.separator)
        column = source.split.column
        check_columns(frame, [*source.target, *source.features, *source.drop, *source.categorical], source.path)
        check_columns(frame, [column] if column else [], source.path)
        inputs = feature_columns(source, frame)
        keep = pd.Series(True, index=frame.index)
        if source.missing == "drop":
            numbers = [name for name in inputs if not is_category(source, frame[name])]
            keep = frame[[*numbers, *source.target]].notna().all(axis=1)
        kept = frame[keep]
        check_targets(kept, source)
        if source.missing == "error":
            check_numbers(kept[inputs], source)
        return cls(
            kept[inputs],
            plain(raw_targets(kept, source.target), source.path),
            kept[column] if column else None,
            tuple(f"{source.path}:{row}" for row in frame.index[~keep]),
        )

    def divide(self, source: Table, targets: np.ndarray, seed: int, task: Task) -> Mapping[SplitName, np.ndarray]:
        """The rows of each split, by position; ``targets`` are encoded. Raises: DataError."""
        every = np.arange(len(self.frame))
        given: dict[SplitName, np.ndarray] = {"train": every}
        if self.splits is not None:
            given = by_column(self.splits, source.split, source.path)
        parts = divide({name: Part(rows, targets[rows]) for name, rows in given.items()}, source.split, seed, task)
        return {name: part.inputs for name, part in parts.items()}


def by_column(splits: pd.Series, rule: ColumnSplitRule, path: str) -> dict[SplitName, np.ndarray]:
    """The rows of each split, by position, as a column says. Raises: DataError."""
    where = f"{path}: column `{splits.name}`"
    if splits.isna().any():
        missing = columns.missing_rows(splits)
        raise DataError(f"{where}: {len(missing)} rows have no split, the first is row {missing[0]}")
    words = splits.map(word)
    names = given_names(rule, set(words), where)
    if not names:
        raise DataError(
            f"{where}: none of its values is `train`; it has {', '.join(sorted(set(words))[:10])}",
            "say which are which, as `names: {train: ..., test: ...}`",
        )
    unnamed = sorted(set(words) - set(names.values()))
    if unnamed and not rule.names:
        raise DataError(f"{where}: `{unnamed[0]}` is no split", "say which are used, as `names: {train: ...}`")
    return {split: np.flatnonzero(words == name) for split, name in names.items()}


def feature_columns(source: Table, frame: pd.DataFrame) -> list[str]:
    """Raises: DataError: none is left, or one holds neither numbers nor words."""
    out = {*source.target, *source.drop, source.split.column}
    inputs = [name for name in source.features or frame.columns if name not in out]
    if not inputs:
        raise DataError(f"{source.path}: no column is left to predict from")
    for name in inputs:
        is_category(source, frame[name])
    return inputs


def is_category(source: Table, series: pd.Series) -> bool:
    """Whether a column goes in as categories. Raises: DataError: it holds neither numbers nor words."""
    try:
        return columns.is_word_column(series) or series.name in source.categorical
    except TypeError as error:
        raise DataError(
            f"{source.path}: column `{series.name}` holds {error}, expected numbers or words",
            f"leave it out with `drop: [{series.name}]`",
        ) from error


def check_targets(frame: pd.DataFrame, source: Table) -> None:
    """Raises: DataError: a target is missing."""
    for name in source.target:
        missing = columns.missing_rows(frame[name])
        if missing:
            raise DataError(
                f"{source.path}: column `{name}`: {len(missing)} of {len(frame)} targets are missing, "
                f"the first at row {missing[0]}",
                "remove these rows, or set `missing: drop`",
            )


def check_numbers(frame: pd.DataFrame, source: Table) -> None:
    """Raises: DataError: a number is missing, or infinite."""
    for name in frame.columns:
        if not is_category(source, frame[name]):
            columns.Number(name=name).encode(frame[name], source.path)


def learn_columns(source: Table, train: pd.DataFrame) -> tuple[columns.Number | columns.Category, ...]:
    """What the train rows teach about each column. Raises: DataError."""
    return tuple(learn_column(source, train[name]) for name in train.columns)


def learn_column(source: Table, series: pd.Series) -> columns.Number | columns.Category:
    where = f"{source.path}: column `{series.name}`"
    name = str(series.name)
    if is_category(source, series):
        values = sorted({word(value) for value in series.dropna().unique()})
        if len(values) > source.max_categories:
            raise DataError(
                f"{where}: {len(values)} different words in {len(series)} rows of train, more than "
                f"{source.max_categories}: `{values[0]}`, `{values[1]}`, ...",
                f"leave it out with `drop: [{name}]`, or raise `max_categories`",
            )
        return columns.Category(name=name, values=tuple(values), missing=bool(series.isna().any()))
    if source.missing not in ("mean", "median"):
        return columns.Number(name=name)
    numbers = columns.as_numbers(series, source.path)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        raise DataError(f"{where}: no number in train", f"leave it out with `drop: [{name}]`")
    return columns.Number(name=name, fill=float(np.mean(numbers) if source.missing == "mean" else np.median(numbers)))
