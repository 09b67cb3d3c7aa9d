"""Tables from CSV, Parquet and JSON Lines files, through pandas."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from kpipe import unpacked
from kpipe.data.preparation.unreadable import BROKEN, no_table
from kpipe.errors import DataError
from kpipe.spec.mistake import nearest
from kpipe.spec.received import is_number

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".jsonl", ".jsonl.gz")


def read_frame(path: Path, separator: str | None = None, header: bool = True) -> pd.DataFrame:
    """A table with text as its column names. Raises: DataError."""
    frame = load(path, separator, header="infer" if header else None)
    frame.columns = [str(column).strip() for column in frame.columns]
    # pandas renames the second of two equal columns of a CSV file, so its first row is read as it stands
    names = pd.Index(first_row(path, separator)) if header and is_separated(path) else frame.columns
    twice = names[names.duplicated()]
    if len(twice):
        raise DataError(f"{path}: has two columns `{twice[0]}`")
    check_separator(frame, path)
    if frame.empty:
        raise DataError(f"{path}: has no rows")
    return frame.reset_index(drop=True)


def load(path: Path, separator: str | None, **csv: Any) -> pd.DataFrame:
    """The table as pandas reads it, a CSV file with the options ``csv``. Raises: DataError."""
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{path}: is no table that kpipe reads", f"it reads {', '.join(SUFFIXES)}")
    return parse(path, separator, **csv)


def parse(path: Path, separator: str | None, **csv: Any) -> pd.DataFrame:
    """The same of a file of any name: one that is neither Parquet nor JSON Lines is CSV. Raises: DataError."""
    try:
        if path.suffix.lower() == ".parquet":
            with parquet(path) as held:
                table = held.read()
            table.validate(full=True)  # Arrow believes texts and places as they stand in the file
            found: pd.DataFrame = table.to_pandas()
            return found
        if not is_separated(path):
            return read_jsonl(path)
        with unpacked.stream(path) as file:
            frame: pd.DataFrame = pd.read_csv(file, sep=separator or separator_of(path), low_memory=False, **csv)
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: is empty") from error
    except BROKEN as error:
        raise no_table(path, error) from error
    if isinstance(frame.index, pd.RangeIndex):
        return frame
    # pandas takes the first cells for names of the rows, and reads all others one column too far to the left
    raise DataError(
        f"{path}: its rows have more cells than its first line, which names {frame.shape[1]} columns",
        "name every column in the first line, and end no row with a separator",
    )


def parquet(path: Path, times: int = unpacked.MOST_TIMES, **options: Any) -> Any:
    """A Parquet file, of which nothing is read yet. Raises: DataError: it is none, or says that it holds too much."""
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]

    try:
        file = ParquetFile(path, **options)
    except BROKEN as error:
        raise no_table(path, error) from error
    # a few bytes can say that one number is repeated without end
    unpacked.check(path, 8 * file.metadata.num_rows * file.metadata.num_columns, times)
    return file


def read_jsonl(path: Path) -> pd.DataFrame:
    """A table of one JSON object a line, its cells as they are written. Raises: ValueError: a line is none."""
    lines = [line for line in unpacked.content(path).decode("utf-8-sig").split("\n") if line.strip()]
    return pd.DataFrame([named_values(line, row) for row, line in enumerate(lines)])


def named_values(line: str, row: int) -> dict[str, Any]:
    """What a line of JSON says. Raises: ValueError: it is no object."""
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"row {row} is no JSON, from its column {error.colno} on") from error
    except RecursionError as error:
        raise ValueError(f"row {row} is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError(f"row {row} is no object with named values")
    if "\\u" in line:
        refuse_surrogates(found, row)
    return {name: json.dumps(cell) if isinstance(cell, (list, dict)) else cell for name, cell in found.items()}


def refuse_surrogates(found: dict[str, Any], row: int) -> None:
    """Raises: ValueError: a text holds half of a pair, which can be written as \\ud800, and stands for no sign."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"row {row} holds half of a surrogate pair, which is no sign") from error


def is_separated(path: Path) -> bool:
    """Whether a table is plain text with a mark between the columns, which may or may not name them."""
    return not path.name.lower().endswith((".parquet", ".jsonl", ".jsonl.gz"))


def separator_of(path: Path) -> str:
    """What stands between the columns of a file of that name."""
    return "\t" if path.name.lower().endswith((".tsv", ".tsv.gz")) else ","


def first_row(path: Path, separator: str | None = None) -> list[str]:
    """The first row of a CSV file as text, without the empty cells. Raises: DataError."""
    row = load(path, separator, header=None, nrows=1, dtype=str).iloc[0]
    return [str(cell).strip() for cell in row.dropna()]


def has_header(path: Path) -> bool:
    """Whether a table names its columns: the first row of a CSV file is not all numbers. Raises: DataError."""
    return not is_separated(path) or not all(is_number(cell) for cell in first_row(path))


def check_separator(frame: pd.DataFrame, path: Path) -> None:
    """Raises: DataError: the only column's name holds what looks like a separator."""
    if frame.shape[1] == 1:
        for mark in (";", "\t", "|"):
            if mark in frame.columns[0]:
                raise DataError(f"{path}: one column, `{frame.columns[0]}`", f"set `separator: {mark!r}`")


def check_columns(frame: pd.DataFrame, wanted: Iterable[str], where: str) -> None:
    """Raises: DataError: naming the columns that are not there, and the nearest to the first."""
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        near = nearest(missing[0], frame.columns)
        names = ", ".join(f"`{column}`" for column in missing[:8]) + (", ..." if len(missing) > 8 else "")
        hint = f"did you mean `{near}`? " if near else ""
        columns = ", ".join(list(frame.columns)[:30])
        columns += f", ... ({frame.shape[1]} in all)" if frame.shape[1] > 30 else ""
        raise DataError(f"{where}: no column {names}", f"{hint}it has: {columns}")
