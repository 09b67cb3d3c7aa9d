"""Targets: class names, labels or numbers as they are read, turned into what the model is trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kpipe.errors import DataError
from kpipe.signature import Target, Task
from kpipe.spec.mistake import nearest


def plain(raw: np.ndarray, where: str) -> np.ndarray:
    """Python objects, as pandas gives them, as words.

    Raises: DataError: a target is missing, or is neither a number nor a word, nor a row of them.
    """
    nested = raw.dtype.kind == "O" and any(isinstance(value, (list, dict, np.ndarray)) for value in raw.flat)
    if raw.ndim not in (1, 2) or 0 in raw.shape[1:] or raw.dtype.kind in "Vc" or nested:
        held = "lists" if nested else f"{raw.dtype} of shape {raw.shape}"
        raise DataError(f"{where}: targets are {held}, expected a number or a word for each example, or a row of them")
    if raw.dtype.kind == "U" and not is_text(raw):
        raise DataError(f"{where}: targets are {raw.dtype}, but hold signs that are in no alphabet")
    if raw.dtype.kind != "O":
        return raw
    missing = [index for index, value in enumerate(raw.flat) if value is None or value != value]
    if missing:
        raise DataError(f"{where}: {len(missing)} of {raw.size} targets are missing, the first at row {missing[0]}")
    try:
        return raw.astype(str)
    except UnicodeDecodeError:
        raise DataError(f"{where}: targets are bytes, expected a number or a word for each example") from None


def is_text(raw: np.ndarray) -> bool:
    """Whether each sign is one of Unicode, and no half of one: a damaged file may hold any number as a sign."""
    signs = np.ascontiguousarray(raw, raw.dtype.newbyteorder("=")).view(np.uint32)
    return bool(((signs < 0xD800) | ((signs > 0xDFFF) & (signs <= 0x10FFFF))).all())


def infer_task(raw: np.ndarray, where: str) -> Task:
    """What raw targets are, when nobody says.

    One per example: words, whole-number and boolean dtypes are classes, floats are values. Several per example:
    0/1 are classes when each row has exactly one 1 (one-hot), else labels; anything else is values.

    Raises: DataError: more than half of the whole numbers differ, so that they can be classes or values.
    """
    if raw.ndim == 1 or raw.shape[1] == 1:
        different = len(np.unique(raw)) if raw.dtype.kind in "iu" else 0
        if 2 * different > len(raw) > 1:
            raise DataError(
                f"{where}: {different} different whole numbers in {len(raw)} examples may be classes or values",
                "set `target_task: values`, or `target_task: classes`",
            )
        return "values" if raw.dtype.kind == "f" else "classes"
    if not is_binary(raw):
        return "values"
    return "classes" if (raw.astype(np.int64).sum(axis=1) == 1).all() else "labels"


def is_binary(raw: np.ndarray) -> bool:
    return raw.dtype.kind in "biuf" and bool(((raw == 0) | (raw == 1)).all())


def flat(raw: np.ndarray) -> np.ndarray:
    """One class per example: a single column loses its axis, one-hot rows become positions."""
    if raw.ndim == 1:
        return raw
    if raw.shape[1] == 1:
        return raw[:, 0]
    position: np.ndarray = raw.argmax(axis=1)
    return position


def target_of(raw: np.ndarray, task: Task, names: Sequence[str] = ()) -> Target:
    """The target that ``raw`` is, without moments; ``names`` of the classes, labels or values where they are known."""
    columns = 1 if raw.ndim == 1 else raw.shape[1]
    if task != "classes":
        return Target(task=task, names=tuple(names) or tuple(f"{task[:-1]}_{index}" for index in range(columns)))
    if not names and columns > 1:
        names = [str(index) for index in range(columns)]
    return Target(task=task, names=tuple(names) or tuple(word(value) for value in np.unique(flat(raw))))


def word(value: object) -> str:
    """A class's name: ``3`` for 3 and for 3.0."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def encode(raw: np.ndarray, target: Target, where: str) -> np.ndarray:
    """Raw targets as ``Split.take`` gives them: int32 (n,) for classes, float32 (n, k) for labels and values.

    ``where`` names the file, column or split in messages. Raises: DataError.
    """
    raw = plain(raw, where)
    if target.task == "classes":
        return encode_classes(flat(raw), target, where)
    table = raw[:, None] if raw.ndim == 1 else raw
    if table.dtype.kind not in "biuf":
        raise DataError(
            f"{where}: holds words, but the task `{target.task}` needs numbers", "set `target_task: classes`"
        )
    if table.shape[1] != target.size:
        raise DataError(f"{where}: {table.shape[1]} targets for each example, expected {target.size}")
    check_finite(table, where, target.names)
    if target.task == "labels" and not is_binary(table):
        row, column = np.argwhere(~np.isin(table, (0, 1)))[0]
        raise DataError(
            f"{where}: label `{target.names[column]}` of row {row} is {table[row, column]:g}, expected 0 or 1",
            "set `target_task: values` if these are numbers to predict",
        )
    return table.astype(np.float32)


def encode_classes(raw: np.ndarray, target: Target, where: str) -> np.ndarray:
    """By name; whole numbers are positions where no name is a number."""
    if raw.dtype.kind == "f":
        check_finite(raw[:, None], where)
    values, inverse = np.unique(raw, return_inverse=True)
    by_name = {name: index for index, name in enumerate(target.names)}
    if raw.dtype.kind in "iu" and not any(name.lstrip("-").isdigit() for name in target.names):
        by_name = {str(index): index for index in range(target.size)}
    codes = np.array([by_name.get(word(value), -1) for value in values], dtype=np.int32)
    encoded: np.ndarray = codes[inverse.reshape(-1)]
    if (encoded < 0).any():
        wrong = np.flatnonzero(encoded < 0)
        refuse_class(raw, wrong, target, list(by_name), where)
    return encoded


def encode_positions(raw: np.ndarray, target: Target, where: str) -> np.ndarray:
    """Whole numbers that are positions in ``target.names``, as int32. Raises: DataError: out of range."""
    if raw.dtype.kind not in "biu":
        raise DataError(f"{where}: holds {raw.dtype}, expected whole numbers in 0..{target.size - 1}")
    outside = np.flatnonzero((raw < 0) | (raw >= target.size))
    if len(outside):
        raise DataError(
            f"{where}: {len(outside)} of {len(raw)} labels are outside 0..{target.size - 1}: "
            f"{raw[outside[0]]} first, at row {outside[0]}",
            "-1 often stands for examples without a label: choose another split" if raw[outside[0]] == -1 else "",
        )
    return raw.astype(np.int32)


def refuse_class(raw: np.ndarray, wrong: np.ndarray, target: Target, known: list[str], where: str) -> None:
    value = word(raw[wrong[0]])
    near = nearest(value, known)
    expected = f"one of 0..{target.size - 1}" if known[0] == "0" else ", ".join(known[:12])
    raise DataError(
        f"{where}: {len(wrong)} of {len(raw)} examples are of a class that train does not have: "
        f"`{value}` first, at row {wrong[0]}; expected {expected}",
        f"did you mean `{near}`?" if near else "",
    )


def check_finite(numbers: np.ndarray, where: str, columns: Sequence[str] = ()) -> None:
    """Raises: DataError: naming the column, how many rows are NaN or infinite, and the first."""
    if numbers.dtype.kind != "f":
        return
    step = max(1, 2**22 // max(1, int(np.prod(numbers.shape[1:]))))
    bad = np.concatenate(
        [
            np.flatnonzero(
                ~np.isfinite(numbers[start : start + step]).reshape(len(numbers[start : start + step]), -1).all(axis=1)
            )
            + start
            for start in range(0, len(numbers), step)
        ]
        or [np.zeros(0, int)]
    )
    if len(bad):
        row = numbers[bad[0]].reshape(-1)
        position = int(np.flatnonzero(~np.isfinite(row))[0])
        column = f"column `{columns[position]}`" if columns else f"value {position}" if row.size > 1 else "value"
        raise DataError(
            f"{where}: {len(bad)} of {len(numbers)} rows hold NaN or infinite numbers, the first is row {bad[0]}: "
            f"{column} is {row[position]}",
            "replace or leave out these rows",
        )
