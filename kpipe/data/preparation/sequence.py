"""Sequence preparation: steps of numbers, all examples of one length."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from kpipe.data.preparation import arrays
from kpipe.data.preparation.numbers import Numbers
from kpipe.data.preparation.preparation import Examples, numbered
from kpipe.errors import DataError
from kpipe.signature import Target


class Sequence(Numbers):
    """Steps of numbers: .npy and .npz arrays of many examples, or a table whose rows are the steps of one.

    A table (.csv, .parquet) with a header is read by column names where the model knows them, in any order, else by
    position. The target array of an .npz file gives targets.

    Shapes:
        (n, time, features) -> (n, time, features) float32; a table of (time, features) is one example

    Raises:
        DataError: a file cannot be read, the steps or features differ in number, a number is NaN or infinite.

    Example:
        type: sequence
        steps: 48
        features: 1
        target: {task: forecast, names: [value], horizon: 12}
    """

    type: Literal["sequence"] = "sequence"
    feature: ClassVar[str] = "sequence"
    example: ClassVar[dict[str, Any]] = {"steps": 3, "features": 2, "target": {"task": "values", "names": ["sum"]}}

    steps: int = Field(ge=1, description="how many steps an example has")
    features: int = Field(ge=1, description="how many numbers a step has")

    def read_one(self, path: Path) -> Examples:
        if not path.is_file():
            raise DataError(f"{path}: is a folder, expected a file" if path.exists() else f"no file `{path}`")
        if path.suffix == ".npy":
            return self._examples(path, arrays.read_npy(path))
        if path.suffix == ".npz":
            held = arrays.read_npz(path)
            return self._examples(path, arrays.pick(held, self.input_key, path), held.get(self.target_key))
        from kpipe.data.preparation.frames import has_header, read_frame

        frame = read_frame(path, header=has_header(path))
        return Examples((str(path),), {self.feature: self.from_frame(frame, str(path))})

    def _examples(self, path: Path, raw: np.ndarray, targets: np.ndarray | None = None) -> Examples:
        inputs = self.from_array(raw, str(path))
        if targets is not None:
            arrays.check_lengths(path, {self.input_key: inputs, self.target_key: targets})
            targets = encode(targets, self.target, f"{path}: {self.target_key}")
        return Examples(numbered(path, len(inputs)), {self.feature: inputs}, targets)

    def from_rows(self, rows: np.ndarray, where: str) -> np.ndarray:
        return self.from_array(rows[None], where)

    def from_array(self, raw: np.ndarray, where: str) -> np.ndarray:
        expected = (self.steps, self.features)
        if raw.shape == expected:
            raw = raw[None]
        if raw.ndim != 3 or raw.shape[1:] != expected:
            raise DataError(
                f"{where}: shape {raw.shape}, expected (n, {self.steps}, {self.features}), "
                "or one example without the first axis"
            )
        if raw.dtype.kind not in "biuf":
            raise DataError(f"{where}: holds {raw.dtype}, expected numbers")
        return arrays.as_float32(raw, where)


def encode(raw: np.ndarray, target: Target, where: str) -> np.ndarray:
    """Targets as a split gives them; of a forecast (n, horizon, values). Raises: DataError."""
    from kpipe.data.preparation.targets import encode as encode_rows

    if target.task != "forecast":
        return encode_rows(raw, target, where)
    expected = (target.horizon, target.size)
    if raw.shape[1:] != expected and (*raw.shape[1:], 1) != expected:
        raise DataError(f"{where}: shape {raw.shape}, expected (n, {target.horizon}, {target.size})")
    return arrays.as_float32(raw.reshape(len(raw), *expected), where)  # type: ignore[arg-type]
