"""From the arrays of train, validation and test to Splits: checks, and what is learned on train alone."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kpipe.data.preparation.preparation import Preparation
from kpipe.data.preparation.stored import Inputs
from kpipe.data.split_rule import SplitName
from kpipe.data.splits import ArraySplit, Splits
from kpipe.errors import DataError
from kpipe.signature import Feature, Kind, Signature, Target

CHUNK = 2**20
"""Numbers turned into float64 at a time."""


class Part(NamedTuple):
    """The examples of one split: inputs as the model takes them, targets encoded."""

    inputs: Inputs
    targets: np.ndarray


def feature_of(inputs: Inputs, kind: Kind, columns: Sequence[str] = ()) -> Feature:
    """The feature that ``inputs`` of the train split are, with the mean and variance of each channel or column."""
    mean, variance = moments(inputs)
    return Feature(
        name=kind,
        kind=kind,
        shape=inputs.shape[1:],
        dtype="uint8" if inputs.dtype == np.uint8 else "float32",
        mean=mean,
        variance=variance,
        columns=tuple(columns),
    )


def moments(inputs: Inputs) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and variance over all but the last axis, in float64, a chunk at a time."""
    count = math.prod(inputs.shape[:-1])
    mean = sum(rows.sum(axis=0, dtype=np.float64) for rows in chunks_of_rows(inputs)) / count
    squares = sum(np.square(rows - mean).sum(axis=0) for rows in chunks_of_rows(inputs))
    return tuple(mean.tolist()), tuple((squares / count).tolist())


def chunks(inputs: Inputs) -> Iterator[np.ndarray]:
    """The examples, some at a time: some CHUNK numbers, or one example that is larger."""
    step = max(1, CHUNK // math.prod(inputs.shape[1:]))
    return (inputs[start : start + step] for start in range(0, len(inputs), step))


def chunks_of_rows(inputs: Inputs) -> Iterator[np.ndarray]:
    """The examples as rows of the last axis (rows, channels), at most some CHUNK numbers at a time."""
    for examples in chunks(inputs):
        rows = examples.reshape(-1, inputs.shape[-1])
        step = max(1, CHUNK // rows.shape[1])
        yield from (rows[start : start + step] for start in range(0, len(rows), step))


def learn(
    parts: Mapping[SplitName, Part],
    kind: Kind,
    target: Target,
    preparation: Preparation,
    origin: str,
    columns: Sequence[str] = (),
    skipped: tuple[str, ...] = (),
) -> Splits:
    """Splits of the encoded ``parts``, with the moments of inputs and values learned on train.

    Raises: DataError: an empty split, or a class without an example in train.
    """
    for name, part in parts.items():
        if not len(part.targets):
            raise DataError(f"{origin}: the split `{name}` is empty", "every split needs at least one example")
    if target.task == "classes":
        check_classes(parts["train"].targets, target, origin)
    if target.task == "values":
        mean, variance = moments(parts["train"].targets)
        target = target.model_copy(update={"mean": mean, "variance": variance})
    feature = feature_of(parts["train"].inputs, kind, columns)
    arrays = {name: ArraySplit({feature.name: part.inputs, target.name: part.targets}) for name, part in parts.items()}
    return Splits(
        train=arrays["train"],
        validation=arrays["validation"],
        test=arrays["test"],
        signature=Signature(inputs=(feature,), target=target),
        preparation=preparation.model_copy(update={"target": target}),
        fingerprint=fingerprint(arrays),
        origin=origin,
        skipped=skipped,
    )


def check_classes(targets: np.ndarray, target: Target, origin: str) -> None:
    """Raises: DataError: fewer than two classes, or one that train has no example of."""
    if target.size < 2:
        raise DataError(f"{origin}: only one class, `{target.names[0]}`", "classification needs at least two classes")
    counts = np.bincount(targets, minlength=target.size)
    absent = [f"`{target.names[index]}`" for index in np.flatnonzero(counts == 0)]
    if absent:
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        raise DataError(
            f"{origin}: train has no example of {len(absent)} of {target.size} classes: {', '.join(absent[:5])}{more}",
            "give examples of each class, or keep `split.stratified: true`",
        )


def fingerprint(splits: Mapping[SplitName, ArraySplit]) -> str:
    """SHA-256 over the names, shapes, dtypes and bytes of all splits."""
    digest = hashlib.sha256()
    for split_name in sorted(splits):
        for name, array in sorted(splits[split_name].arrays.items()):
            digest.update(repr((split_name, name, array.shape, array.dtype.str)).encode())
            for chunk in chunks(array):
                digest.update(np.ascontiguousarray(chunk).data)
    return digest.hexdigest()
