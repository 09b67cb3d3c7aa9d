"""Stored: rows of an array that lies in a file, read when they are taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kpipe.errors import DataError


@dataclass(frozen=True, eq=False)
class Stored:
    """Some rows of the array in an .npy file. The system keeps in memory what of the file has room there.

    The file may be removed while it is in use: what is open stays readable. Were it changed, reading would end the
    process without a word, so each look at it makes sure first that it is as it was.
    """

    file: Path
    array: np.ndarray
    """the whole file, mapped into memory"""
    rows: np.ndarray
    """which of its rows these are, in order (examples,)"""
    stamp: tuple[int, ...]

    @classmethod
    def open(cls, file: Path) -> Stored:
        """All rows. Raises: OSError, ValueError: no whole .npy file."""
        stamp = stamp_of(file)
        array = np.load(file, mmap_mode="r", allow_pickle=False).view(np.ndarray)
        return cls(file, array, np.arange(len(array)), stamp)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.array.shape[1:])

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def __getitem__(self, indices: np.ndarray | slice) -> np.ndarray:
        """The rows at ``indices``, copied into memory. Raises: DataError: the file was changed."""
        self.check()
        taken: np.ndarray = self.array[self.rows[indices]]
        return taken

    def chosen(self, indices: np.ndarray | slice) -> Stored:
        """Some of these rows; nothing is read."""
        return Stored(self.file, self.array, self.rows[indices], self.stamp)

    def check(self) -> None:
        try:
            now = stamp_of(self.file)
        except OSError:  # it has lost its name, not its content
            return
        same_file = now[:2] == self.stamp[:2]
        if same_file and now != self.stamp:
            raise DataError(
                f"{self.file}: was changed while it was in use", "remove its folder and start again: it is made anew"
            )


Inputs = np.ndarray | Stored
"""The inputs of a split: in memory, or in a file."""


def stamp_of(file: Path) -> tuple[int, ...]:
    """What tells a file from another, and from itself after a change."""
    found = file.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def some(inputs: Inputs, indices: np.ndarray | slice) -> Inputs:
    """The rows at ``indices``: of what lies in a file nothing is read."""
    return inputs.chosen(indices) if isinstance(inputs, Stored) else inputs[indices]
