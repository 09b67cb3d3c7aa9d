"""Unreadable: why a file of text or a table cannot be read, in words, instead of those of pandas and Python."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from kpipe.errors import DataError
from kpipe.spec.mistake import printable
from kpipe.unpacked import content

BROKEN = (OSError, ValueError, EOFError, zlib.error, MemoryError, OverflowError, NotImplementedError, LookupError)
"""What reading a broken file raises; UnicodeDecodeError, pandas' own and Arrow's are among them."""
RAGGED = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
OPEN_QUOTE = re.compile(r"EOF inside string starting at row (\d+)")


def no_table(path: Path, error: Exception) -> DataError:
    """What to say of a table."""
    if isinstance(error, UnicodeDecodeError) or is_packed_wrongly(path, error):
        return no_text(path, error)
    text = str(error).strip()
    if found := RAGGED.search(text):
        expected, line, cells = found.groups()
        hint = "give all lines as many; a cell that holds the separator stands in quotation marks"
        return DataError(f"{path}: line {line} has {cells} cells, those before it {expected}", hint)
    if found := OPEN_QUOTE.search(text):
        line = str(int(found[1]) + 1)
        hint = "close it; within a cell in quotation marks, one of the text is written twice"
        return DataError(f"{path}: a quotation mark in line {line} is never closed", hint)
    if path.suffix.lower() == ".parquet" and isinstance(error, ValueError):
        return DataError(f"{path}: is no Parquet file, or not a whole one", "write it anew, or give it the right name")
    why = getattr(error, "strerror", None) or text or type(error).__name__
    return DataError(f"{path}: is no readable table: {printable(why, 300)}")


def no_text(path: Path, error: Exception) -> DataError:
    """What to say of a file of text."""
    if isinstance(error, UnicodeDecodeError):
        return no_utf8(path)
    if is_packed_wrongly(path, error):
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        if not packed:
            return DataError(f"{path}: ends in .gz, but is not compressed", f"rename it to {path.stem}")
        return DataError(f"{path}: ends too soon or is damaged: it cannot be unpacked", "copy or download it again")
    return DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}")


def is_packed_wrongly(path: Path, error: Exception) -> bool:
    return path.suffix == ".gz" and isinstance(error, (gzip.BadGzipFile, EOFError, zlib.error))


def no_utf8(path: Path) -> DataError:
    """The line of the first byte that does not fit; most such files are in Latin-1, or in UTF-16 from Windows."""
    raw = content(path)
    utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    hint = f"save it as UTF-8: iconv -f {'utf-16' if utf16 else 'latin1'} -t utf-8 {path.name.removesuffix('.gz')}"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return DataError(f"{path}: is no UTF-8 text: byte {raw[error.start]:#04x} in line {line}", hint)
    return DataError(f"{path}: is no UTF-8 text", hint)
