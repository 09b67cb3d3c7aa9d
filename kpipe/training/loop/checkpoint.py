"""Checkpoints: arrays and JSON in one plain file that is whole or noticed to be broken."""

from __future__ import annotations

import json
import os
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kpipe.errors import KpipeWarning, RunFailed

KEPT = 2
RECORD = "record"
BROKEN = (OSError, EOFError, ValueError, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile)
"""What reading a torn or corrupted file raises."""


class Checkpoint(NamedTuple):
    """``arrays`` by name, and a ``record`` of plain JSON values."""

    arrays: Mapping[str, np.ndarray]
    record: Mapping[str, Any]


class Checkpoints:
    """The checkpoints of one stage, or part of one, in a folder: ``stage-0-000012.npz``, the newest two."""

    def __init__(self, folder: Path, stage: int | str) -> None:
        self.folder = folder
        self.prefix = f"stage-{stage}-"
        folder.mkdir(parents=True, exist_ok=True)

    def paths(self) -> list[Path]:
        """Oldest first."""
        pattern = re.compile(re.escape(self.prefix) + r"\d{6}\.npz")
        return sorted(path for path in self.folder.iterdir() if pattern.fullmatch(path.name))

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes beside, brings it to the disk, renames; then removes what is older than the one before."""
        before = self.paths()
        number = int(before[-1].stem.removeprefix(self.prefix)) + 1 if before else 1
        path = self.folder / f"{self.prefix}{number:06d}.npz"
        beside = path.with_suffix(".writing")
        text = np.frombuffer(json.dumps(checkpoint.record).encode(), np.uint8)
        with beside.open("wb") as file:
            np.savez(file, allow_pickle=False, **{RECORD: text}, **checkpoint.arrays)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        for old in before[: len(before) + 1 - KEPT]:
            old.unlink()

    def newest(self) -> Checkpoint | None:
        """The newest that is whole; warns of each that is not. None when there is none at all.

        Raises: RunFailed: there are some, and all are broken: to begin anew would write over what is left of the run.
        """
        paths = self.paths()
        for path in reversed(paths):
            try:
                return read(path)
            except BROKEN as error:
                text = f"{path.name} is broken ({error}) and passed over"
                warnings.warn(text, KpipeWarning, stacklevel=2)
        if paths:
            raise RunFailed(f"all checkpoints in {self.folder} are broken", "start a new run, or bring one back")
        return None


def read(path: Path) -> Checkpoint:
    """Checks the CRC-32 of every part before a byte of it is believed."""
    with zipfile.ZipFile(path) as archive:
        torn = archive.testzip()
        if torn is not None:
            raise zipfile.BadZipFile(f"bad checksum of {torn}")
    with np.load(path, allow_pickle=False) as parts:
        arrays = {name: parts[name] for name in parts.files}
    return Checkpoint(arrays, json.loads(arrays.pop(RECORD).tobytes()))
