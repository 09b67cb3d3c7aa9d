"""Tables from CSV and Parquet files, through pandas."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from kpipe.errors import DataError
from kpipe.spec.mistake import nearest

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".parquet")


def read_frame(path: Path, separator: str | None = None, header: bool = True) -> pd.DataFrame:
    """A table with text as its column names. Raises: DataError."""
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{path}: is no table that kpipe reads", f"it reads {', '.join(SUFFIXES)}")
    try:
        if path.suffix.lower() == ".parquet":
            frame = pd.read_parquet(path)
        else:
            mark = separator or ("\t" if path.suffix.lower() == ".tsv" else ",")
            frame = pd.read_csv(path, sep=mark, low_memory=False, header="infer" if header else None)
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: is empty") from error
    except (OSError, ValueError, UnicodeDecodeError, EOFError) as error:
        why = getattr(error, "strerror", None) or str(error).strip()
        raise DataError(f"{path}: is no readable table: {why}") from error
    frame.columns = [str(column).strip() for column in frame.columns]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise DataError(f"{path}: has two columns `{twice[0]}`")
    check_separator(frame, path)
    if frame.empty:
        raise DataError(f"{path}: has no rows")
    return frame.reset_index(drop=True)


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
        raise DataError(f"{where}: no column {names}", f"{hint}it has: {columns}")
