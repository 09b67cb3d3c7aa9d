"""Preparation: how raw input becomes what the model takes; learned on train, stored with the model as JSON."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from kpipe.errors import DataError
from kpipe.signature import Signature, Target
from kpipe.spec.spec import Component

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from kpipe.data.preparation.ragged import Ragged
    from kpipe.data.splits import Columns


@dataclass(frozen=True)
class Examples:
    """Prepared examples and, where the input holds them, their targets.

    Each has a name: an image file's path, or ``table.csv:3`` for the row 3 of a file, counted from 0.
    """

    names: tuple[str, ...]
    inputs: Columns
    targets: np.ndarray | Ragged | None = None


class Preparation(Component):
    """What turns raw input into model input, the same way for training, ``kpipe predict`` and serving."""

    target: Target = Field(description="the target trained on, so that targets beside the input are understood")

    def fitted(self, signature: Signature) -> Self:
        """This preparation with what is known once the splits are made: the target's moments, the greatest length."""
        return self.model_copy(update={"target": signature.target})

    def read(self, paths: Sequence[Path]) -> Examples:
        """Reads raw files (or folders of them), and prepares them; targets only if every path holds them.

        Raises: DataError: naming the file and why.
        """
        from kpipe.data.preparation.ragged import join

        read = [self.read_one(path) for path in paths]
        names = tuple(name for examples in read for name in examples.names)
        if not names:
            raise DataError(f"nothing to read in {', '.join(str(path) for path in paths) or 'no file at all'}")
        common = [name for name in read[0].inputs if all(name in examples.inputs for examples in read)]
        inputs = {name: join([examples.inputs[name] for examples in read]) for name in common}
        targets = [examples.targets for examples in read if examples.targets is not None]
        return Examples(names, inputs, join(targets) if len(targets) == len(read) else None)

    @abstractmethod
    def read_one(self, path: Path) -> Examples:
        """Reads and prepares one file or folder. Raises: DataError: naming the file and why."""

    @abstractmethod
    def prepare(self, raw: np.ndarray | pd.DataFrame | Sequence[Any]) -> Columns:
        """Prepares raw input already in memory, as a server gets it: an array of examples or a table of them."""


def numbered(path: Path, count: int) -> tuple[str, ...]:
    """``data.npz:0``, ``data.npz:1``, ..."""
    return tuple(f"{path}:{index}" for index in range(count))
