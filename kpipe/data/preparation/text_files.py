"""Files of texts: plain ones of a text a line, and tables whose cells are kept as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kpipe.data.preparation.frames import SUFFIXES, check_columns, check_separator, is_separated, parse, separator_of
from kpipe.data.preparation.unreadable import BROKEN, no_text
from kpipe.data.text_form import TextForm
from kpipe.errors import DataError
from kpipe.unpacked import content


def read_text(path: Path) -> str:
    """A whole UTF-8 file, a .gz one unpacked, its lines ended by a line feed. Raises: DataError."""
    if not path.is_file():
        raise DataError(f"{path}: is a folder, expected a file" if path.exists() else f"no file `{path}`")
    try:
        text = content(path).decode("utf-8-sig")
    except BROKEN as error:
        raise no_text(path, error) from error
    return text.replace("\r\n", "\n")


def read_lines(path: Path) -> list[str]:
    """The lines of a file; other signs that Unicode calls line ends stay within them. Raises: DataError."""
    text = read_text(path)
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def is_table(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)


def read_columns(paths: Sequence[Path], form: TextForm) -> pd.DataFrame:
    """A table from one file; several plain files are a column each, in the order of ``form.columns``.

    Raises: DataError.
    """
    frame = read_table(paths[0], form) if len(paths) == 1 else read_parallel(paths, form)
    if frame.empty:
        raise DataError(f"{paths[0]}: has no rows")
    for column, pattern in form.remove.items():
        if column in frame.columns:
            cleaned = as_text(frame[column], str(paths[0])).str.replace(pattern, "", regex=True).str.strip()
            frame[column] = cleaned.where(frame[column].notna())
    return frame


def texts_in(frame: pd.DataFrame, column: str, where: str) -> list[str]:
    """The texts of a column. Raises: DataError: no such column, or a cell is missing or blank."""
    check_columns(frame, [column], where)
    texts = as_text(frame[column], where)
    missing = np.flatnonzero(frame[column].isna() | (texts.str.strip() == ""))
    if len(missing):
        first = f"the first at row {frame.index[missing[0]]}"
        raise DataError(
            f"{where}: column `{column}`: {len(missing)} of {len(frame)} texts are missing, {first}",
            "leave these rows out",
        )
    return texts.tolist()


def as_text(cells: pd.Series, where: str) -> pd.Series:
    """Cells as they would be written. Raises: DataError: they are bytes of no text."""
    try:
        return cells.astype(str)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where}: column `{cells.name}` holds bytes that are no UTF-8 text", "write it anew"
        ) from error


def targets_in(frame: pd.DataFrame, names: Sequence[str], where: str) -> np.ndarray:
    """The target columns (rows,) or (rows, k), as numbers where all of them are. Raises: DataError: one is missing."""
    check_columns(frame, names, where)
    for name in names:
        missing = np.flatnonzero(frame[name].isna())
        if len(missing):
            raise DataError(
                f"{where}: column `{name}`: {len(missing)} of {len(frame)} targets are missing, "
                f"the first at row {frame.index[missing[0]]}",
                "leave these rows out",
            )
    try:
        columns = [pd.to_numeric(frame[name]).to_numpy() for name in names]
    except (ValueError, TypeError):
        columns = [as_text(frame[name], where).to_numpy(dtype=str) for name in names]
    return columns[0] if len(names) == 1 else np.stack(columns, axis=1)


def read_parallel(paths: Sequence[Path], form: TextForm) -> pd.DataFrame:
    """Line 1 of the second file belongs to line 1 of the first, and so on. Raises: DataError."""
    if len(form.columns) != len(paths):
        raise DataError(
            f"{len(paths)} files of a column each, but {len(form.columns)} names in `columns`",
            f"name them in the order of the files: `columns: [{', '.join(path.stem for path in paths)}]`",
        )
    lines = [read_lines(path) for path in paths]
    for path, column in zip(paths, lines, strict=True):
        if len(column) != len(lines[0]):
            raise DataError(
                f"{paths[0]} has {len(lines[0])} lines, {path} has {len(column)}",
                "line 1 of the one must belong to line 1 of the other, and so on",
            )
    return pd.DataFrame(dict(zip(form.columns, lines, strict=True)), dtype=str)


def read_table(path: Path, form: TextForm) -> pd.DataFrame:
    """Cells of separated files as they are written: `null` and `NA` are words, an empty cell is missing."""
    if not is_separated(path):
        return parse(path, None).reset_index(drop=True)
    separator = form.separator or separator_of(path)
    if form.quotes(separator):
        frame = parse(
            path, separator, header=None, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig"
        )
        rows = frame.astype(object).where(frame.notna(), None)
    else:
        rows = pd.DataFrame(split_lines(path, separator, len(form.columns)))
    return named(rows, form, path)


def read_like(path: Path, form: TextForm, text: str) -> pd.DataFrame:
    """A table like the one trained on, whose columns ``form`` tells; or one that names its own, or of texts alone."""
    if not form.columns or not is_separated(path):
        return read_columns([path], form)
    first = next((line for line in read_lines(path) if line.strip()), "")
    cells = [cell.strip() for cell in first.split(form.separator or separator_of(path))]
    columns = () if text in cells else (text,) if len(cells) == 1 else form.columns
    return read_columns([path], form.model_copy(update={"columns": columns}))


def split_lines(path: Path, separator: str, columns: int) -> list[list[str | None]]:
    """The cells of every line; where ``columns`` are named, the last holds the rest of its line."""
    lines = [line for line in read_lines(path) if line.strip()]
    if not lines:
        raise DataError(f"{path}: is empty")
    cells = [[cell or None for cell in line.split(separator, columns - 1 if columns else -1)] for line in lines]
    short = next((row for row, found in enumerate(cells) if len(found) != len(cells[0])), None)
    if short is not None:
        raise DataError(
            f"{path}: row {short} has {len(cells[short])} columns, the first row has {len(cells[0])}",
            "name the columns as `columns: [...]`, and the last takes the rest of the line" if not columns else "",
        )
    return cells


def named(rows: pd.DataFrame, form: TextForm, path: Path) -> pd.DataFrame:
    """The rows with their columns' names: those of ``form``, or the first row. Raises: DataError."""
    if form.columns and rows.shape[1] != len(form.columns):
        raise DataError(
            f"{path}: has {rows.shape[1]} columns, `columns` names {len(form.columns)}",
            f"its first row: {' | '.join(str(cell)[:30] for cell in rows.iloc[0])}",
        )
    names = list(form.columns) or [str(cell).strip() for cell in rows.iloc[0]]
    frame = rows if form.columns else rows.iloc[1:]
    frame = frame.set_axis(names, axis=1).reset_index(drop=True)
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise DataError(f"{path}: has two columns `{twice[0]}`")
    check_separator(frame, path)
    return frame
