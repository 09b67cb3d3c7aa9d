"""Table preparation: the rows of a table as vectors, by the columns that train taught."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from kpipe.data.preparation import columns, frames
from kpipe.data.preparation.preparation import Examples, Preparation, numbered
from kpipe.data.preparation.targets import encode
from kpipe.errors import DataError
from kpipe.spec.spec import Tuple

if TYPE_CHECKING:
    import pandas as pd

    from kpipe.data.splits import Batch

Column = Annotated[columns.Number | columns.Category, Field(discriminator="kind")]


class Table(Preparation):
    """CSV and Parquet tables with the columns of the training table, in any order.

    Other columns are ignored. Numbers go in as they are, missing ones as the value learned on train. Words become
    one 0/1 feature for each category of train; a category that train does not have is 0 in all of them. Where all
    target columns are there, they give targets.

    Shapes:
        (rows, columns) -> (rows, features) float32

    Raises:
        DataError: a column is not there, a number is no number, or missing where train had no rule for it.

    Example:
        type: table
        columns:
          - {kind: number, name: body_mass_g, fill: 4207.1}
          - {kind: category, name: island, values: [Biscoe, Dream, Torgersen]}
        targets: [species]
        target: {task: classes, names: [Adelie, Gentoo]}
    """

    type: Literal["table"] = "table"
    example: ClassVar[dict[str, Any]] = {
        "columns": [{"kind": "number", "name": "mass"}, {"kind": "category", "name": "island", "values": ["x", "y"]}],
        "targets": ["species"],
        "target": {"task": "classes", "names": ["a", "b"]},
    }

    columns: Tuple[Column] = Field(min_length=1, description="the columns that go in, as train taught them")
    targets: Tuple[str] = Field(description="the target's columns")
    separator: str | None = Field(None, description="what separates the columns of a CSV file")

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the vector's features: ``body_mass_g``, ``island=Biscoe``, ``island=Dream``, ..."""
        return tuple(feature for column in self.columns for feature in column.features)

    def read_one(self, path: Path) -> Examples:
        if not path.is_file():
            raise DataError(f"{path}: is a folder, expected a file" if path.exists() else f"no file `{path}`")
        frame = frames.read_frame(path, self.separator)
        inputs = {"vector": self.encode(frame, str(path))}
        targets = None
        if all(column in frame.columns for column in self.targets):
            targets = encode(raw_targets(frame, self.targets), self.target, f"{path}: {', '.join(self.targets)}")
        return Examples(numbered(path, len(frame)), inputs, targets)

    def prepare(self, raw: np.ndarray | pd.DataFrame | Sequence[Any]) -> Batch:
        import pandas as pd

        if isinstance(raw, np.ndarray):
            raise DataError("input: an array has no column names, expected a table", "give a DataFrame or named rows")
        return {"vector": self.encode(pd.DataFrame(raw), "input")}

    def encode(self, frame: pd.DataFrame, where: str) -> np.ndarray:
        """(rows, features) float32. Raises: DataError: naming column and row."""
        frames.check_columns(frame, [column.name for column in self.columns], where)
        return np.concatenate([column.encode(frame[column.name], where) for column in self.columns], axis=1)


def raw_targets(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """(rows,) of one target column, (rows, k) of several."""
    return frame[names[0]].to_numpy() if len(names) == 1 else frame[list(names)].to_numpy()
