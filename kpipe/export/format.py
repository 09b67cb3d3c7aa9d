"""Format: a kind of file that others can compute with."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from kpipe.backend import Backend
from kpipe.errors import MissingExtra
from kpipe.spec.spec import Component

if TYPE_CHECKING:
    import keras
    import numpy as np

Inputs = Mapping[str, "np.ndarray"]
"""The model's inputs by name, in the order of the signature."""
Compute = Callable[[Inputs], "np.ndarray"]


class Format(Component):
    """A format that a model is written in, and computed with again from the file alone."""

    engines: ClassVar[tuple[Backend, ...]]
    """that can write it, the best first; empty: any"""
    file: ClassVar[str]
    """its name in the folder"""
    packages: ClassVar[tuple[str, ...]] = ()
    """what it needs of the extra of its name, as they are imported"""
    quantizes: ClassVar[bool] = False
    """it can hold weights of eight bits"""
    one_by_one: ClassVar[bool] = False
    """the file takes one example at a time"""
    one_length: ClassVar[bool] = False
    """it takes sequences of tokens of one length, to which others are padded: padding changes no answer"""

    @abstractmethod
    def write(self, model: keras.Model, example: Inputs, path: Path, int8: bool) -> None:
        """Writes the forward pass; ``example`` holds the inputs of one example, as long as the longest."""

    @abstractmethod
    def load(self, path: Path) -> Compute:
        """Computes with the file alone."""

    def require(self) -> None:
        """Raises: MissingExtra: a package that it needs is not installed."""
        missing = [name for name in self.packages if find_spec(name) is None]
        if missing:
            raise MissingExtra(f"{self.type} needs {' and '.join(missing)}", f"pip install 'kpipe[{self.type}]'")

    def name(self, int8: bool) -> str:
        """``model.onnx``, ``model.int8.onnx``."""
        stem, dot, suffix = self.file.partition(".")
        return f"{stem}.int8{dot}{suffix}" if int8 else self.file
