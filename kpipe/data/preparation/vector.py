"""Vector preparation: rows of numbers from arrays and tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from kpipe.data.preparation import arrays
from kpipe.data.preparation.preparation import Examples, Preparation, numbered
from kpipe.data.preparation.targets import encode
from kpipe.errors import DataError
from kpipe.spec.spec import Tuple

if TYPE_CHECKING:
    import pandas as pd

    from kpipe.data.splits import Batch


class Vector(Preparation):
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
    example: ClassVar[dict[str, Any]] = {"size": 2, "target": {"task": "classes", "names": ["a", "b"]}}

    size: int = Field(ge=1, description="how many numbers an example has")
    columns: Tuple[str] = Field((), description="their names, where they have names")
    input_key: str = Field("x", description="name of the input array in an .npz file")
    target_key: str = Field("y", description="name of the target array in an .npz file")

    def prepare(self, raw: np.ndarray | pd.DataFrame | Sequence[Any]) -> Batch:
        import pandas as pd

        if isinstance(raw, pd.DataFrame):
            return {"vector": self._from_frame(raw, "input")}
        return {"vector": self._from_array(np.asarray(raw), "input")}

    def read_one(self, path: Path) -> Examples:
        if not path.is_file():
            raise DataError(f"{path}: is a folder, expected a file" if path.exists() else f"no file `{path}`")
        if path.suffix in (".npy", ".npz"):
            keys = (self.input_key, self.target_key)
            return arrays.read_examples(path, "vector", self.target, self._from_array, keys)
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
        return Examples(numbered(path, len(frame)), {"vector": self._from_frame(frame, str(path))}, targets)

    def _from_frame(self, frame: pd.DataFrame, where: str) -> np.ndarray:
        from kpipe.data.preparation.frames import check_columns

        if self.columns and not all(str(column).isdigit() for column in frame.columns):
            check_columns(frame, self.columns, where)
            frame = frame[list(self.columns)]
        words = [str(column) for column in frame.columns if frame[column].dtype.kind not in "biuf"]
        if words:
            raise DataError(f"{where}: column `{words[0]}` holds words, expected numbers")
        return self._from_array(frame.to_numpy(dtype=np.float64), where)

    def _from_array(self, raw: np.ndarray, where: str) -> np.ndarray:
        if raw.ndim != 2 or raw.shape[1] != self.size:
            raise DataError(f"{where}: shape {raw.shape}, expected (n, {self.size})")
        return arrays.as_input(raw, where, self.columns)
