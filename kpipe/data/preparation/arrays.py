"""Arrays from .npy and .npz files, and as images or vectors."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from kpipe import unpacked
from kpipe.data.preparation.preparation import Examples, numbered
from kpipe.data.preparation.targets import check_finite, encode
from kpipe.errors import DataError
from kpipe.signature import Target
from kpipe.spec.mistake import nearest, printable

BROKEN = (
    *(OSError, ValueError, EOFError, KeyError, TypeError, SyntaxError, RuntimeError, NotImplementedError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
"""What NumPy raises for a file that is damaged, or made to do damage: RecursionError is a RuntimeError."""


def read_npz(path: Path) -> Mapping[str, np.ndarray]:
    """The arrays of an .npz file by name. Raises: DataError: broken, or it holds Python objects."""
    arrays: dict[str, np.ndarray] = {}
    try:
        with path.open("rb") as file:
            unpacked.check_archive(path, file)
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise DataError(f"{path}: is one array (.npy), expected an .npz file", "np.savez(path, x=..., y=...)")
            for name in archive.files:
                arrays[name] = archive[name]
                if not isinstance(arrays[name], np.ndarray):  # of a file that is no .npy, NumPy gives the bytes
                    raise DataError(f"{path}: `{name}` in it is no NumPy array", "np.savez(path, x=..., y=...)")
    except BROKEN as error:
        raise unreadable(path, error) from error
    return arrays


def read_npy(path: Path) -> np.ndarray:
    """The array of an .npy file. Raises: DataError."""
    try:
        with path.open("rb") as file:
            unpacked.check_archive(path, file)
            loaded = np.load(file, allow_pickle=False)
    except BROKEN as error:
        raise unreadable(path, error) from error
    if not isinstance(loaded, np.ndarray):
        raise DataError(f"{path}: is an .npz file, expected an .npy file", "rename it")
    return loaded


def unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"{path}: {error.strerror.lower()}")
    if "allow_pickle" in str(error) or "pickle" in str(error).lower():
        return DataError(
            f"{path}: holds Python objects or is no NumPy file; kpipe never unpickles, as that can run any code",
            "save arrays of numbers, or of words with a dtype such as U20: array.astype(str)",
        )
    return DataError(f"{path}: is no readable NumPy file: {printable(str(error) or type(error).__name__, 300)}")


def pick(arrays: Mapping[str, np.ndarray], name: str, path: Path) -> np.ndarray:
    """The array called ``name``. Raises: DataError: naming what is there."""
    if name in arrays:
        return arrays[name]
    near = nearest(name, arrays)
    raise DataError(
        f"{path}: has no array `{name}`; it has {', '.join(sorted(arrays)) or 'none'}",
        f"did you mean `{near}`?" if near else "",
    )


def read_examples(
    path: Path,
    feature: str,
    target: Target,
    convert: Callable[[np.ndarray, str], np.ndarray],
    keys: tuple[str, str],
) -> Examples:
    """The examples of an .npy file, or of an .npz file: the input array and, where it is there, the target array.

    ``keys`` are their names. Raises: DataError.
    """
    if path.suffix == ".npy":
        inputs = convert(read_npy(path), str(path))
        return Examples(numbered(path, len(inputs)), {feature: inputs})
    held = read_npz(path)
    input_key, target_key = keys
    inputs = convert(pick(held, input_key, path), f"{path}: {input_key}")
    targets = encode(held[target_key], target, f"{path}: {target_key}") if target_key in held else None
    if targets is not None:
        check_lengths(path, {input_key: inputs, target_key: targets})
    return Examples(numbered(path, len(inputs)), {feature: inputs}, targets)


def check_lengths(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises: DataError: the arrays are not of the same length."""
    (first, one), (second, other) = arrays.items()
    if len(one) != len(other):
        raise DataError(f"{path}: `{first}` holds {len(one)} examples, `{second}` {len(other)}")


def as_input(array: np.ndarray, where: str, columns: Sequence[str] = ()) -> np.ndarray:
    """Vectors as float32 (n, features); images as (n, height, width, channels), uint8 where whole in 0..255.

    Raises: DataError: words, complex numbers, NaN or infinite numbers, a shape that is neither.
    """
    if array.dtype.kind not in "biuf":
        raise DataError(f"{where}: holds {array.dtype}, expected numbers")
    if array.ndim not in (2, 3, 4):
        raise DataError(
            f"{where}: shape {array.shape}; expected (n, features) for vectors, (n, height, width) or "
            "(n, height, width, channels) for images",
            "array.reshape(len(array), -1) makes vectors",
        )
    if 0 in array.shape[1:]:
        raise DataError(f"{where}: shape {array.shape} holds no numbers")
    if array.ndim == 2:
        return as_float32(array, where, columns)
    images = array[..., None] if array.ndim == 3 else array
    if images.dtype.kind == "b" or (images.dtype.kind in "iu" and images.size and in_bytes(images)):
        return images.astype(np.uint8, copy=False)
    return as_float32(images, where)


def in_bytes(images: np.ndarray) -> bool:
    return images.dtype == np.uint8 or bool(images.min() >= 0 and images.max() <= 255)


def as_float32(array: np.ndarray, where: str, columns: Sequence[str] = ()) -> np.ndarray:
    check_finite(array, where, columns)
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32, copy=False)
    if array.dtype.kind == "f" and array.dtype.itemsize > 4:
        check_finite(narrow, f"{where}, as float32", columns)
    return narrow
