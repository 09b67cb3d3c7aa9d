"""Image files as one array; a large one is decoded once, then read from the cache folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from kpipe.data.preparation import prepared
from kpipe.data.preparation.pictures import Size, Unreadable, decode_rows, first_size
from kpipe.data.preparation.stored import Inputs, some


def decoded(files: Sequence[Path], size: Size | None, channels: int, name: str) -> tuple[Inputs, list[Unreadable]]:
    """The readable images (images, height, width, channels) uint8, and the files that are not readable.

    ``name`` tells people whose folder it is in the cache. Raises: DataError: the sizes differ and none is given.
    """

    def fill(images: np.ndarray) -> Mapping[str, np.ndarray]:
        found = decode_rows(images, files, size)
        reasons = np.array([problem.why for problem in found.values()], dtype=np.str_)
        return {"unreadable": np.array(list(found), dtype=np.int64), "reasons": reasons}

    shape = (len(files), *(size or first_size(files, channels)), channels)
    folder = prepared.folder_of("images", name, key(files, size, channels))
    images, beside = prepared.filled(folder, shape, np.uint8, fill)
    bad, reasons = beside["unreadable"], beside["reasons"]
    readable = np.delete(np.arange(len(files)), bad)
    unreadable = [Unreadable(files[place], str(why)) for place, why in zip(bad, reasons, strict=True)]
    return some(images, readable) if len(bad) else images, unreadable


def key(files: Sequence[Path], size: Size | None, channels: int) -> Iterator[object]:
    """What the images depend on; a file that cannot be looked at stands for itself."""
    yield "images 1", size, channels
    for file in files:
        try:
            found = file.stat()
        except OSError as error:
            yield str(file.absolute()), error.errno
        else:
            yield str(file.absolute()), found.st_size, found.st_mtime_ns
