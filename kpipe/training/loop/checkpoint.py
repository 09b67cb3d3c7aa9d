"""Checkpoints: arrays and JSON in one plain file that is whole or noticed to be broken."""

from __future__ import annotations

import json
import os
import re
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kpipe.errors import KpipeWarning, NotSaved, RunFailed

RECORD = "record"
BROKEN = (
    *(OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, SyntaxError, RuntimeError, MemoryError),
    *(NotImplementedError, zipfile.BadZipFile),
)
"""What reading a torn or corrupted file raises."""
NAME = re.compile(r"stage-(\d+)(?:\.(\d+))?-(\d{6,})\.npz")


class Checkpoint(NamedTuple):
    """``arrays`` by name, and a ``record`` of plain JSON values."""

    arrays: Mapping[str, np.ndarray]
    record: Mapping[str, Any]


class Checkpoints:
    """The checkpoints of one stage, or part of one, in a folder: ``stage-0-000012.npz``, the newest so many."""

    def __init__(self, folder: Path, stage: int | str, keep: int = 2) -> None:
        self.folder, self.keep = folder, keep
        self.prefix = f"stage-{stage}-"
        folder.mkdir(parents=True, exist_ok=True)

    def paths(self) -> list[Path]:
        """Oldest first."""
        return [path for path in written(self.folder) if path.name.startswith(self.prefix)]

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes beside, brings it to the disk, renames; then removes what is too old.

        Raises: NotSaved: it cannot be written; what was there before stays.
        """
        before = self.paths()
        number = place_of(before[-1])[-1] + 1 if before else 1
        path = self.folder / f"{self.prefix}{number:06d}.npz"
        beside = path.with_suffix(".writing")
        text = json.dumps({"arrays": sorted(checkpoint.arrays), "record": checkpoint.record})
        record = np.frombuffer(text.encode(), np.uint8)
        try:
            with beside.open("wb") as file:
                np.savez(file, allow_pickle=False, **{RECORD: record}, **checkpoint.arrays)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            bring_to_disk(self.folder)
        except OSError as error:
            raise not_saved(path, error, before) from error
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        for old in before[: max(0, len(before) + 1 - self.keep)]:
            old.unlink(missing_ok=True)

    def newest(self) -> Checkpoint | None:
        """The newest that is whole; warns of each that is not. None when there is none at all.

        Raises: RunFailed: there are some, and all are broken: to begin anew would write over what is left of the run.
        """
        paths = self.paths()
        for path in reversed(paths):
            try:
                return read(path)
            except BROKEN as error:
                text = f"checkpoint {path.name} is broken ({error}) and passed over: the one before it is used"
                warnings.warn(text, KpipeWarning, stacklevel=2)
        if paths:
            raise RunFailed(f"all checkpoints in {self.folder} are broken", "start a new run, or bring one back")
        return None


def place_of(path: Path) -> tuple[int, int, int]:
    """Stage, part and number of a checkpoint, from its name."""
    found = NAME.fullmatch(path.name)
    assert found is not None
    stage, part, number = found.groups(default="0")
    return int(stage), int(part), int(number)


def written(folder: Path) -> list[Path]:
    """The checkpoints of all stages in a folder, oldest first."""
    known = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in known if NAME.fullmatch(path.name)), key=place_of)


def latest(folder: Path) -> Checkpoint | None:
    """The last one of all stages that is whole: where a run will go on."""
    for path in reversed(written(folder)):
        try:
            return read(path)
        except BROKEN:
            continue
    return None


def not_saved(path: Path, error: OSError, before: list[Path]) -> NotSaved:
    """What to say when a checkpoint cannot be written."""
    last = f"the last good one is {before[-1].name}" if before else "there is none before it"
    return NotSaved(f"{path}: the checkpoint cannot be written: {error.strerror or error}; {last}")


def bring_to_disk(folder: Path) -> None:
    """A new name in a folder may be lost with the power, too. A system that opens no folder sees to that itself."""
    with suppress(PermissionError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def read(path: Path) -> Checkpoint:
    """Checks the CRC-32 of every part, and that none is missing, before a byte of it is believed."""
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        parts_in_it = archive.infolist()
        if any(part.compress_type for part in parts_in_it) or sum(part.file_size for part in parts_in_it) > size:
            raise zipfile.BadZipFile("compressed, which kpipe does not write")  # it may become as large as a disk
        torn = archive.testzip()
        if torn is not None:
            raise zipfile.BadZipFile(f"bad checksum of {torn}")
    with np.load(path, allow_pickle=False) as parts:
        arrays = {name: parts[name] for name in parts.files}
    kept = json.loads(arrays.pop(RECORD).tobytes())
    if kept["arrays"] != sorted(arrays):  # an archive's own table of contents has no checksum
        raise zipfile.BadZipFile(f"{len(arrays)} arrays, not {len(kept['arrays'])}, or others")
    if not isinstance(kept["record"], dict):
        raise zipfile.BadZipFile("its record is none")
    return Checkpoint(arrays, kept["record"])
