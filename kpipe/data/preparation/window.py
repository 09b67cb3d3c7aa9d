"""Window preparation: the last rows of a time series, from which the next ones are forecast."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from kpipe.data.preparation import arrays
from kpipe.data.preparation.frames import check_columns, read_frame
from kpipe.data.preparation.preparation import Examples, Preparation
from kpipe.data.preparation.series import rows_of, times_of
from kpipe.errors import DataError
from kpipe.spec.spec import Tuple

if TYPE_CHECKING:
    import pandas as pd

    from kpipe.data.splits import Columns


class Window(Preparation):
    """The last `context` rows of a table or an array with the columns of the series trained on.

    A file (.csv, .tsv, .parquet, .jsonl, .npy) is one example: what follows its last row is forecast. Its rows are in
    the order of time; where the column of times is there, that is checked. An array of three axes is many examples.
    A file is for `kpipe predict`: it holds nothing to compare the forecast with. `kpipe evaluate` measures forecasts on
    a split, with `--split test`.

    Shapes:
        (rows, features) -> (1, context, features) float32; (n, context, features) -> the same

    Raises:
        DataError: too few rows, a column is not there, a missing or infinite number, a time not later than that before.

    Example:
        type: window
        context: 96
        time: date
        features: [HUFL, OT]
        target: {task: forecast, names: [OT], horizon: 24}
    """

    type: Literal["window"] = "window"
    example: ClassVar[dict[str, Any]] = {
        "context": 2,
        "time": "date",
        "features": ["load"],
        "target": {"task": "forecast", "names": ["load"], "horizon": 2},
    }

    context: int = Field(ge=1, description="rows that go in")
    time: str = Field(description="the column of times")
    features: Tuple[str] = Field(min_length=1, description="the columns that go in")
    missing: Literal["error", "last"] = Field("error", description="what becomes of missing numbers")
    separator: str | None = Field(None, description="what separates the columns of a CSV file")

    def read_one(self, path: Path) -> Examples:
        if not path.is_file():
            raise DataError(f"{path}: is a folder, expected a file" if path.exists() else f"no file `{path}`")
        if path.suffix == ".npy":
            inputs = self._from_array(arrays.read_npy(path), str(path))
        else:
            inputs = self._from_frame(read_frame(path, self.separator), str(path))
        names = (str(path),) if len(inputs) == 1 else tuple(f"{path}:{index}" for index in range(len(inputs)))
        return Examples(names, {"sequence": inputs})

    def prepare(self, raw: np.ndarray | pd.DataFrame | Sequence[Any]) -> Columns:
        import pandas as pd

        if isinstance(raw, pd.DataFrame):
            return {"sequence": self._from_frame(raw, "input")}
        return {"sequence": self._from_array(np.asarray(raw), "input")}

    def _from_frame(self, frame: pd.DataFrame, where: str) -> np.ndarray:
        check_columns(frame, self.features, where)
        if self.time in frame.columns:
            times_of(frame[self.time], where)
        return self._last(rows_of(frame, self.features, self.missing, where)[None], where)

    def _from_array(self, raw: np.ndarray, where: str) -> np.ndarray:
        if raw.dtype.kind not in "biuf" or raw.ndim not in (2, 3) or raw.shape[-1] != len(self.features):
            raise DataError(
                f"{where}: {raw.dtype} of shape {raw.shape}, expected numbers of shape (n, {self.context}, "
                f"{len(self.features)}), or ({self.context}, {len(self.features)}) for one example"
            )
        return self._last(arrays.as_float32(raw if raw.ndim == 3 else raw[None], where, self.features), where)

    def _last(self, rows: np.ndarray, where: str) -> np.ndarray:
        if rows.shape[1] < self.context:
            raise DataError(f"{where}: {rows.shape[1]} rows, but the model needs the last {self.context}")
        return rows[:, -self.context :]
