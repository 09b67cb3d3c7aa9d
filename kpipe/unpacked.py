"""Unpacked: compressed files and archives, opened no further than an honest one goes.

A thousand bytes of zlib can stand for a million, and those of an archive in an archive for a whole disk.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import IO

from typing_extensions import Buffer, override

from kpipe.errors import DataError

FREE_BYTES = 2**26
"""Any file may become so large."""
MOST_TIMES = 100
"""A larger one may become so many times its own size: texts and tables become some 10 times theirs."""
TIMES_IN_PIECES = 1000
"""One that is read piece by piece: columns of few different values are small in Parquet."""


def check(path: Path, size: int, times: int = MOST_TIMES) -> None:
    """Raises: DataError: a file that says it is so large, in bytes, once it is unpacked, is made to fill the memory."""
    if size > max(FREE_BYTES, times * path.stat().st_size):
        raise DataError(
            f"{path}: {path.stat().st_size:,} bytes that become {size:,} or more when they are unpacked, "
            f"over {times:,} times as many",
            "if it is meant to be so, unpack it yourself, or save it without compression, and give that file",
        )


def check_archive(path: Path, file: IO[bytes]) -> None:
    """The same of what a zip file says of its parts; reading one stops where it says it ends.

    Raises: DataError; zipfile.BadZipFile: it is damaged.
    """
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            check(path, sum(part.file_size for part in archive.infolist()))
    file.seek(0)


class Unpacking(io.RawIOBase):
    """What is in a .gz file, unpacked as it is read. Raises: DataError: it is too much."""

    def __init__(self, path: Path) -> None:
        self.path, self.file, self.size = path, gzip.open(path), 0  # noqa: SIM115 (closed by `close`)

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        found = self.file.read(len(view))
        self.size += len(found)
        check(self.path, self.size)
        view[: len(found)] = found
        return len(found)

    @override
    def close(self) -> None:
        self.file.close()
        super().close()


def stream(path: Path) -> IO[bytes]:
    """A file to be read, a .gz one unpacked on the way."""
    return io.BufferedReader(Unpacking(path), 2**20) if path.suffix.lower() == ".gz" else path.open("rb")


def content(path: Path) -> bytes:
    """The whole of it. Raises: DataError: it is too much; OSError, EOFError, zlib.error: it is damaged."""
    with stream(path) as file:
        return file.read()
