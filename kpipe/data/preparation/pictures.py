"""PNG and JPEG files as uint8 arrays, decoded the same way for training and prediction."""

from __future__ import annotations

import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from kpipe.data.preparation.prepared import room
from kpipe.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg")
MOST_PIXELS = 64_000_000
"""More pixels in one image are taken for an attack or a mistake; the largest cameras stay below."""

MANY_PIXELS = 8_000_000
"""An image with more takes up to 0.8 GB while it is decoded, so that only one of them is, whatever the threads."""
ONE_AT_A_TIME = threading.Lock()
ROWS = 256

Size = tuple[int, int]
"""Height and width."""

IGNORED = ("thumbs.db", "desktop.ini")
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

TASK = 64
"""Files decoded by a thread at a time: one by one, handing them out would cost more than a small image."""


class Unreadable(NamedTuple):
    """A file that is no image kpipe reads, and why."""

    file: Path
    why: str


def files_in(folder: Path) -> list[Path]:
    """All files under ``folder`` in the order of their names, but those hidden or left by file browsers."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [f"{root}/{name}" for name in names if not name.startswith(".") and name.lower() not in IGNORED]
    return [Path(name) for name in sorted(map(checked_name, found))]


def subfolders(folder: Path) -> list[Path]:
    """The folders in ``folder`` in the order of their names, but hidden ones."""
    found = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    return [Path(checked_name(str(entry))) for entry in found]


def checked_name(name: str) -> str:
    """Raises: DataError: a name that is no text, which could be kept in none of a run's files."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        raise DataError(f"{shown}: its name is no UTF-8 text", "rename it") from error
    return name


def decode(file: Path, size: Size | None, channels: int) -> np.ndarray:
    """One image: (height, width, channels) uint8.

    Turned upright by its EXIF tag; transparent parts lie on white; palettes become colours; 16-bit grey keeps its
    high byte; colour becomes grey by ITU-R 601; another size is reached by bilinear resizing with antialiasing.

    Raises: what Pillow raises for a broken file, DecompressionBombError for one too large.
    """
    with Image.open(file, formats=("PNG", "JPEG")) as opened:
        pixels = opened.width * opened.height
        if pixels > MOST_PIXELS:
            raise Image.DecompressionBombError(f"{opened.width} x {opened.height} pixels")
        with ONE_AT_A_TIME if pixels > MANY_PIXELS else nullcontext():
            ImageOps.exif_transpose(opened, in_place=True)
            image: Image.Image = opened
            if image.mode.startswith("I"):
                image = Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
            if image.has_transparency_data:
                image = on_white(image)
                opened.close()
            return fit(image, size, channels)


def on_white(image: Image.Image) -> Image.Image:
    """Transparent parts lie on white; done some rows at a time, as whole copies of a large image would take a GB."""
    whole = Image.new("RGB", image.size)
    for top in range(0, image.height, ROWS):
        layer = image.crop((0, top, image.width, min(top + ROWS, image.height))).convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        whole.paste(Image.alpha_composite(white, layer).convert("RGB"), (0, top))
    return whole


def fit(image: Image.Image, size: Size | None, channels: int) -> np.ndarray:
    """A Pillow image in the wanted colours and size, as an array."""
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if size is not None and (image.height, image.width) != size:
        image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(image.height, image.width, channels)


def decode_all(files: Sequence[Path], size: Size | None, channels: int) -> tuple[np.ndarray, list[Unreadable]]:
    """The readable images as one array (images, height, width, channels), and the files that are not readable.

    Without ``size``, all images must have the size of the first readable one.

    Raises: DataError: the sizes differ and none is given.
    """
    images = room((len(files), *(size or first_size(files, channels)), channels), np.uint8)
    found = decode_rows(images, files, size)
    if found:
        images = np.delete(images, list(found), axis=0)
    return images, list(found.values())


def decode_rows(images: np.ndarray, files: Sequence[Path], size: Size | None) -> dict[int, Unreadable]:
    """Decodes each file into its row of ``images``; those that are not readable, by their place.

    Raises: DataError: an image is of another size, and no ``size`` is given.
    """
    with refusing_bombs(), ThreadPoolExecutor(os.cpu_count()) as threads:

        def decode_some(start: int) -> list[tuple[int, Unreadable]]:
            indices = range(start, min(start + TASK, len(files)))
            tried = ((index, decode_into(images[index], files[index], size)) for index in indices)
            return [(index, problem) for index, problem in tried if problem is not None]

        return dict(problem for some in threads.map(decode_some, range(0, len(files), TASK)) for problem in some)


def decode_into(row: np.ndarray, file: Path, size: Size | None) -> Unreadable | None:
    image = try_to_decode(file, size, row.shape[2])
    if isinstance(image, Unreadable):
        return image
    if image.shape != row.shape:
        raise DataError(
            f"{file}: {image.shape[0]} x {image.shape[1]} pixels (height x width), the images before it have "
            f"{row.shape[0]} x {row.shape[1]}",
            f"give the size that all are to have, as `image_size: [{row.shape[0]}, {row.shape[1]}]`",
        )
    row[...] = image
    return None


def try_to_decode(file: Path, size: Size | None, channels: int) -> np.ndarray | Unreadable:
    if file.exists() and not file.is_file():  # reading a pipe would wait for somebody who writes into it
        return Unreadable(file, "is a pipe or a device, no file")
    try:
        return decode(file, size, channels)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, *BOMBS) as error:
        return Unreadable(file, reason(file, error))


def reason(file: Path, error: Exception) -> str:
    """Why a file is not readable, in words for the person who owns it."""
    if isinstance(error, UnidentifiedImageError):
        return "is empty" if file.stat().st_size == 0 else "is no PNG or JPEG image"
    if isinstance(error, BOMBS):
        return f"has more than {MOST_PIXELS:,} pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"is damaged: {error}"


def first_size(files: Sequence[Path], channels: int) -> Size:
    """The size of the first readable image. Raises: DataError: none is."""
    with refusing_bombs():
        for file in files:
            image = try_to_decode(file, None, channels)
            if not isinstance(image, Unreadable):
                return image.shape[0], image.shape[1]
    raise DataError(f"none of {len(files)} files is a readable PNG or JPEG image, the first is {files[0]}")


@contextmanager
def refusing_bombs() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
