"""The rows of a training table: read, checked, divided; and what train teaches about their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kpipe.data.preparation import columns
from kpipe.data.preparation.frames import check_columns
from kpipe.data.preparation.learn import Part
from kpipe.data.preparation.pieces import Pieces, pieces_of, where
from kpipe.data.preparation.prepared import filled, folder_of
from kpipe.data.preparation.split import divide, given_names
from kpipe.data.preparation.stored import Inputs, stamp_of
from kpipe.data.preparation.table import Table as Preparation
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

    pieces: Pieces
    keep: np.ndarray
    """whether a row of the table is one of these (rows of the table,)"""
    inputs: tuple[str, ...]
    targets: np.ndarray
    splits: pd.Series | None
    skipped: tuple[str, ...]

    @classmethod
    def read(cls, source: Table) -> Rows:
        """Raises: DataError."""
        pieces = pieces_of(Path(source.path), source.separator)
        empty, column = pieces.empty, source.split.column
        check_columns(empty, [*source.target, *source.features, *source.drop, *source.categorical], source.path)
        check_columns(empty, [column] if column else [], source.path)
        inputs = feature_columns(source, empty)
        keep = np.ones(len(pieces), dtype=bool)
        if source.missing == "drop":
            numbers = [name for name in inputs if not is_category(source, empty[name])]
            there = [piece.notna().all(axis=1) for piece in pieces.read([*numbers, *source.target])]
            keep = np.concatenate([piece.to_numpy() for piece in there])
            if not keep.any():
                hint = "set `missing: mean` or `missing: median`, or leave out the emptiest with `drop`"
                raise DataError(f"{source.path}: each row lacks a number or its target, and none is left", hint)
        beside = pd.concat(list(pieces.read([*source.target, *([column] if column else [])])))[keep]
        check_targets(beside, source)
        return cls(
            pieces,
            keep,
            tuple(inputs),
            plain(raw_targets(beside, source.target), source.path),
            beside[column] if column else None,
            tuple(f"{source.path}:{row}" for row in np.flatnonzero(~keep)),
        )

    def __len__(self) -> int:
        return len(self.targets)

    def some(self, path: str, columns: Sequence[str]) -> Iterator[tuple[pd.DataFrame, str]]:
        """These columns of the rows, piece by piece, each with what to call it in messages."""
        for piece in self.pieces.read(columns):
            yield piece[self.keep[piece.index]], where(path, piece, self.pieces)

    def divide(self, source: Table, targets: np.ndarray, seed: int, task: Task) -> Mapping[SplitName, np.ndarray]:
        """The rows of each split, by position; ``targets`` are encoded. Raises: DataError."""
        every = np.arange(len(self))
        given: dict[SplitName, np.ndarray] = {"train": every}
        if self.splits is not None:
            given = by_column(self.splits, source.split, source.path)
        parts = divide({name: Part(rows, targets[rows]) for name, rows in given.items()}, source.split, seed, task)
        return {name: np.asarray(part.inputs) for name, part in parts.items()}

    def encoded(self, preparation: Preparation, source: Table) -> Inputs:
        """The feature columns as vectors (rows, features), in memory or in the cache folder. Raises: DataError."""

        def fill(vectors: np.ndarray) -> Mapping[str, np.ndarray]:
            start = 0
            for piece, place in self.some(source.path, self.inputs):
                vectors[start : start + len(piece)] = preparation.encode(piece, place)
                start += len(piece)
            return {}

        path = Path(source.path)
        key = ["table 1", str(path.absolute()), stamp_of(path), source.missing == "drop", preparation.model_dump_json()]
        folder = folder_of("tables", path.stem, key)
        return filled(folder, (len(self), len(preparation.features)), np.float32, fill)[0]


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


def learn_columns(source: Table, rows: Rows, chosen: np.ndarray) -> tuple[columns.Number | columns.Category, ...]:
    """What the ``chosen`` rows, those of train, teach about each column. Raises: DataError."""
    train = np.zeros(len(rows), dtype=bool)
    train[chosen] = True
    return tuple(learn_column(source, rows, name, train) for name in rows.inputs)


def learn_column(source: Table, rows: Rows, name: str, train: np.ndarray) -> columns.Number | columns.Category:
    """Reads the one column, a piece at a time."""
    if is_category(source, rows.pieces.empty[name]):
        return learn_category(source, rows, name, train)
    if source.missing not in ("mean", "median"):
        return columns.Number(name=name)
    pieces = [columns.as_numbers(series, place) for series, place in of_train(source, rows, name, train)]
    numbers = np.concatenate(pieces)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        hint = f"leave it out with `drop: [{name}]`"
        raise DataError(f"{source.path}: column `{name}`: no number in train", hint)
    return columns.Number(name=name, fill=float(np.mean(numbers) if source.missing == "mean" else np.median(numbers)))


def learn_category(source: Table, rows: Rows, name: str, train: np.ndarray) -> columns.Category:
    found: set[str] = set()
    missing, seen = False, 0
    for series, _ in of_train(source, rows, name, train):
        found |= {word(value) for value in series.dropna().unique()}
        missing, seen = missing or bool(series.isna().any()), seen + len(series)
        if len(found) > source.max_categories:
            first, second = sorted(found)[:2]
            raise DataError(
                f"{source.path}: column `{name}`: {len(found)} different words in {seen} rows of train, more than "
                f"{source.max_categories}: `{first}`, `{second}`, ...",
                f"leave it out with `drop: [{name}]`, or raise `max_categories`",
            )
    return columns.Category(name=name, values=tuple(sorted(found)), missing=missing)


def of_train(source: Table, rows: Rows, name: str, train: np.ndarray) -> Iterator[tuple[pd.Series, str]]:
    """A column of the rows of ``train``, piece by piece."""
    start = 0
    for piece, place in rows.some(source.path, [name]):
        yield piece[name][train[start : start + len(piece)]], place
        start += len(piece)
