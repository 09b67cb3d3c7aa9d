"""Pieces: a table some rows at a time, so that one larger than memory can be read; other than Parquet in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from kpipe.data.preparation.frames import parquet, read_frame
from kpipe.data.preparation.unreadable import BROKEN, no_table
from kpipe.errors import DataError
from kpipe.unpacked import TIMES_IN_PIECES

CELLS = 2**19
"""Of a Parquet file so many are in memory at a time."""
READ: Mapping[str, Any] = {"buffer_size": 2**18, "pre_buffer": False, "times": TIMES_IN_PIECES}
"""So many bytes of a column at a time: a group of rows may be as large as the file."""
TRUTH = np.dtype(bool)


class Pieces(Protocol):
    """A table whose rows are numbered from 0 on."""

    @property
    def empty(self) -> pd.DataFrame:
        """Its columns, named and typed as in every piece, without rows."""

    def __len__(self) -> int: ...

    def read(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """These columns, piece by piece, the index going on from one to the next. Raises: DataError."""


@dataclass(frozen=True)
class Whole:
    """A table in memory."""

    frame: pd.DataFrame

    @property
    def empty(self) -> pd.DataFrame:
        return self.frame.iloc[:0]

    def __len__(self) -> int:
        return len(self.frame)

    def read(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        yield self.frame[list(columns)]


@dataclass(frozen=True)
class Parquet:
    """A Parquet file."""

    path: Path
    empty: pd.DataFrame
    stored_names: Mapping[str, str]
    """in the file, by the names that are used, which have no space around them"""
    count: int

    @classmethod
    def open(cls, path: Path) -> Parquet:
        """Raises: DataError."""
        from pyarrow.types import is_nested  # type: ignore[import-untyped]

        file = parquet(path, **READ)
        try:
            found = file.schema_arrow.empty_table().to_pandas().reset_index(drop=True)
        except BROKEN as error:
            raise no_table(path, error) from error
        for column in found.columns:
            if is_nested(kind := file.schema_arrow.field(str(column)).type):  # which pandas would take for words
                found[column] = pd.Series([], dtype=pd.ArrowDtype(kind))
        stored = [str(column) for column in found.columns]
        found.columns = [name.strip() for name in stored]
        twice = found.columns[found.columns.duplicated()]
        if len(twice):
            raise DataError(f"{path}: has two columns `{twice[0]}`")
        if not file.metadata.num_rows:
            raise DataError(f"{path}: has no rows")
        table = cls(path, found, dict(zip(found.columns, stored, strict=True)), file.metadata.num_rows)
        for name in [name for name in found if found[name].dtype is TRUTH]:
            if any(piece[name].dtype == object for piece in table.read([name])):  # of one with gaps pandas makes words
                found[name] = found[name].astype(object)
        return table

    def __len__(self) -> int:
        return self.count

    def read(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        wanted = [self.stored_names[name] for name in columns]
        start, rows = 0, max(1024, CELLS // len(wanted))
        try:
            for batch in parquet(self.path, **READ).iter_batches(batch_size=rows, columns=wanted):
                batch.validate(full=True)
                piece = batch.to_pandas()
                piece.columns = [str(column).strip() for column in piece.columns]
                piece.index = pd.RangeIndex(start, start + len(piece))
                start += len(piece)
                yield self.typed(piece[list(columns)])
        except BROKEN as error:
            raise no_table(self.path, error) from error

    def typed(self, piece: pd.DataFrame) -> pd.DataFrame:
        words = [name for name in piece if piece[name].dtype is TRUTH and self.empty[name].dtype == object]
        return piece.astype(dict.fromkeys(words, object)) if words else piece


def pieces_of(path: Path, separator: str | None) -> Pieces:
    """Raises: DataError."""
    return Parquet.open(path) if path.suffix.lower() == ".parquet" else Whole(read_frame(path, separator))


def where(path: str, piece: pd.DataFrame, pieces: Pieces) -> str:
    """The file, and the rows where a piece is not all of it."""
    return path if len(piece) == len(pieces) else f"{path}, rows {piece.index[0]} to {piece.index[-1]}"
