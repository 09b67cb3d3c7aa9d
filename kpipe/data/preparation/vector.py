"""Vector preparation: rows of numbers from arrays and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from kpipe.data.preparation import arrays
from kpipe.data.preparation.numbers import Numbers
from kpipe.data.preparation.preparation import Examples, numbered
from kpipe.data.preparation.targets import encode
from kpipe.errors import DataError


class Vector(Numbers):
    """Rows of numbers: .npy and .npz arrays, .csv and .parquet tables.

    A table with a header is read by column names where the model knows them, in any order, else by position; a
    column named as the target gives targets, and so does the target array of an .npz file.

    Shapes:
        (n, features) -> (n, features) float32

    Raises:
        DataError: a file cannot be read, the number of features differs, a number is NaN or infinite.

    Example:
        type: vector
        size: 4
        target: {task: classes, names: [setosa, versicolor]}
    """

    type: Literal["vector"] = "vector"
    feature: ClassVar[str] = "vector"
    example: ClassVar[dict[str, Any]] = {"size": 2, "target": {"task": "classes", "names": ["a", "b"]}}

    size: int = Field(ge=1, description="how many numbers an example has")

    def read_one(self, path: Path) -> Examples:
        if not path.is_file():
            raise DataError(f"{path}: is a folder, expected a file" if path.exists() else f"no file `{path}`")
        if path.suffix in (".npy", ".npz"):
            keys = (self.input_key, self.target_key)
            return arrays.read_examples(path, self.feature, self.target, self.from_array, keys)
        return self._read_table(path)

    def _read_table(self, path: Path) -> Examples:
        from kpipe.data.preparation.frames import has_header, read_frame

        header = has_header(path)
        frame = read_frame(path, header=header)
        names = (self.target.name, *(self.target.names[:1] if self.target.task == "values" else ()))
        target = next((name for name in names if header and name in frame.columns), None)
        targets = None
        if (
            target is not None
            and target not in self.columns
            and (self.target.size == 1 or self.target.task == "classes")
        ):
            targets = encode(frame[target].to_numpy(), self.target, f"{path}: column `{target}`")
            frame = frame.drop(columns=target)
        return Examples(numbered(path, len(frame)), {self.feature: self.from_frame(frame, str(path))}, targets)

    def from_rows(self, rows: np.ndarray, where: str) -> np.ndarray:
        return self.from_array(rows, where)

    def from_array(self, raw: np.ndarray, where: str) -> np.ndarray:
        if raw.ndim != 2 or raw.shape[1] != self.size:
            raise DataError(f"{where}: shape {raw.shape}, expected (n, {self.size})")
        return arrays.as_input(raw, where, self.columns)
