"""Prepared arrays: small ones are held in memory, larger ones made once in the user's cache folder and mapped."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kpipe.backend import cache_folder
from kpipe.data.preparation.stored import Inputs, Stored
from kpipe.errors import DataError
from kpipe.files import safe_name

HELD_BYTES = 2**26
"""Arrays up to this size are held in memory."""
STALE_SECONDS = 24 * 60 * 60.0
"""A draft that nobody has written to for so long was left behind by a process that was killed."""

Beside = Mapping[str, np.ndarray]
"""Small arrays by name that belong to a large one."""
logger = logging.getLogger("kpipe")


def folder_of(kind: str, name: str, key: Iterable[object]) -> Path:
    """The folder of what was made from ``key``, whatever is in it: its name changes when anything of it does."""
    digest = hashlib.sha256()
    for part in key:
        digest.update(repr(part).encode())
    return cache_folder() / kind / f"{safe_name(name)}-{digest.hexdigest()[:16]}"


def filled(
    folder: Path,
    shape: tuple[int, ...],
    dtype: Any,
    fill: Callable[[np.ndarray], Beside],
    always_kept: bool = False,
) -> tuple[Inputs, Beside]:
    """The array that ``fill`` fills, beginning with zeros, and what it gives beside it.

    Above HELD_BYTES it lies in ``folder``, from which it is taken the next time; so does a smaller one that is
    ``always_kept``. Where the folder cannot be written it is held in memory.

    Raises: DataError: there is no room for it.
    """
    large = math.prod(shape) * np.dtype(dtype).itemsize > HELD_BYTES
    if large or always_kept:
        found = opened(folder)
        if found is not None:
            return found
    if large:
        try:
            make(folder, shape, dtype, fill)
        except PermissionError as error:
            logger.warning("%s: %s; the data are held in memory", error.filename, error.strerror)
        else:
            made = opened(folder)
            assert made is not None
            return made
    array = room(shape, dtype)
    beside = fill(array)
    if always_kept and not large:
        with contextlib.suppress(OSError), drafted(folder) as draft:  # without it, the next time costs more
            save(draft, inputs=array, **beside)
    return array, beside


def opened(folder: Path) -> tuple[Inputs, Beside] | None:
    """What lies in ``folder``; None where it is not there or not whole."""
    try:
        stored = Stored.open(folder / "inputs.npy")
        beside = {file.stem: np.load(file, allow_pickle=False) for file in folder.iterdir() if file != stored.file}
    except (OSError, ValueError, EOFError):
        return None
    return (stored if stored.array.nbytes > HELD_BYTES else np.array(stored.array)), beside


def make(folder: Path, shape: tuple[int, ...], dtype: Any, fill: Callable[[np.ndarray], Beside]) -> None:
    """Fills the array into a file in ``folder``. Raises: PermissionError; DataError: no room on the disk."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    try:
        with drafted(folder) as draft:
            array = np.lib.format.open_memmap(draft / "inputs.npy", "w+", dtype, shape)
            reserve(draft / "inputs.npy")
            beside = fill(array.view(np.ndarray))
            array.flush()
            save(draft, **beside)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DataError(
                f"{folder.parent}: {size / 1e9:.1f} GB of prepared data do not fit: {str(error.strerror).lower()}",
                "make room, or set XDG_CACHE_HOME to a folder on another disk",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise PermissionError(error.errno, error.strerror, error.filename or str(folder)) from error
        raise


def reserve(file: Path) -> None:
    """Takes the whole file's place on the disk now: a full disk would end the process when the array is written."""
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as opened_file:
            os.posix_fallocate(opened_file.fileno(), 0, file.stat().st_size)


@contextmanager
def drafted(folder: Path) -> Iterator[Path]:
    """A new folder that becomes ``folder`` when all is written in it; gone when that fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(folder.parent)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
    try:
        yield draft
        try:
            draft.rename(folder)
        except OSError:  # another process has made it meanwhile, or what is there is not whole
            if opened(folder) is None:
                shutil.rmtree(folder, ignore_errors=True)
                draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def remove_stale(root: Path) -> None:
    """Removes drafts that nobody works on."""
    for draft in root.glob(".draft-*"):
        with contextlib.suppress(OSError):
            touched = max(file.stat().st_mtime for file in [draft, *draft.iterdir()])
            if time.time() - touched > STALE_SECONDS:
                shutil.rmtree(draft, ignore_errors=True)


def save(folder: Path, **arrays: np.ndarray) -> None:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def room(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Zeros in memory. Raises: DataError: they do not fit."""
    try:
        return np.zeros(shape, dtype=dtype)
    except MemoryError as error:
        gigabytes = math.prod(shape) * np.dtype(dtype).itemsize / 1e9
        raise DataError(
            f"{shape[0]:,} examples of {' x '.join(map(str, shape[1:]))} need {gigabytes:,.1f} GB of memory",
            "give fewer or smaller ones",
        ) from error
