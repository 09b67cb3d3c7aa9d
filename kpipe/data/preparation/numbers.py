"""Numbers: what preparations of plain numbers have in common, be an example a row or a sequence of rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from kpipe.data.preparation.preparation import Preparation
from kpipe.errors import DataError
from kpipe.spec.spec import Tuple

if TYPE_CHECKING:
    import pandas as pd

    from kpipe.data.splits import Batch


class Numbers(Preparation):
    """Numbers from arrays and tables."""

    feature: ClassVar[str]
    """the name of the model's input"""

    columns: Tuple[str] = Field((), description="their names, where they have names")
    input_key: str = Field("x", description="name of the input array in an .npz file")
    target_key: str = Field("y", description="name of the target array in an .npz file")

    def prepare(self, raw: np.ndarray | pd.DataFrame | Sequence[Any]) -> Batch:
        import pandas as pd

        if isinstance(raw, pd.DataFrame):
            return {self.feature: self.from_frame(raw, "input")}
        return {self.feature: self.from_array(np.asarray(raw), "input")}

    def from_frame(self, frame: pd.DataFrame, where: str) -> np.ndarray:
        """The columns by their names where both know them, else by position. Raises: DataError."""
        from kpipe.data.preparation.frames import check_columns

        if self.columns and not all(str(column).isdigit() for column in frame.columns):
            check_columns(frame, self.columns, where)
            frame = frame[list(self.columns)]
        words = [str(column) for column in frame.columns if frame[column].dtype.kind not in "biuf"]
        if words:
            raise DataError(f"{where}: column `{words[0]}` holds words, expected numbers")
        return self.from_rows(frame.to_numpy(dtype=np.float64), where)

    @abstractmethod
    def from_rows(self, rows: np.ndarray, where: str) -> np.ndarray:
        """What the model takes, from a table's rows. Raises: DataError."""

    @abstractmethod
    def from_array(self, raw: np.ndarray, where: str) -> np.ndarray:
        """What the model takes, from an array of examples. Raises: DataError."""
