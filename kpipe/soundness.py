"""Soundness: whether the files of a saved model, which anybody may have written, fit together and keep in bounds.

Hashes tell damage from what was saved; they do not tell who saved it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kpipe.data.preparation.preparation import Preparation
from kpipe.data.splits import Columns
from kpipe.errors import DataError
from kpipe.signature import Feature, Signature, Target

MOST_IN_AN_EXAMPLE: Final = 2**28
"""Numbers of one example: a picture of 9,000 x 9,000 pixels in colour has fewer."""
AXES: Final = {"image": 3, "vector": 1, "sequence": 2, "tokens": 1}
SPARE: Final = 10_000
"""Numbers that a network may have beside those that are saved, as the states of generators."""


def check(signature: Signature, preparation: Preparation, where: Path) -> None:
    """Raises: DataError: they contradict themselves, or each other."""
    problems = [problem for feature in signature.inputs for problem in problems_of_feature(feature)]
    problems += [problem for target in (signature.target, preparation.target) for problem in problems_of_target(target)]
    vocabulary = getattr(preparation, "vocabulary", None)
    if vocabulary != signature.input.vocabulary:
        problems.append("the vocabulary of the preparation is not that of the signature")
    if problems:
        raise DataError(f"{where}: not a model that kpipe saved: {problems[0]}", "evaluate another run, or train again")


def problems_of_feature(feature: Feature) -> Iterator[str]:
    sides = feature.sides
    if len(feature.shape) != AXES[feature.kind] or any(side < 1 for side in sides):
        yield f"`{feature.name}` of the shape {feature.shape} is no {feature.kind}"
    elif (feature.kind == "tokens") != (feature.vocabulary is not None) or (feature.kind != "tokens") != bool(sides):
        yield f"`{feature.name}`, {feature.kind}, with a vocabulary and no shape, or the other way round"
    elif len(sides) != len(feature.shape) and feature.kind != "tokens":
        yield f"`{feature.name}`, {feature.kind}, has no fixed shape"
    elif math.prod(sides) > MOST_IN_AN_EXAMPLE:
        yield f"an example of `{feature.name}` holds more than {MOST_IN_AN_EXAMPLE:,} numbers"
    elif not {len(feature.mean), len(feature.variance)} <= {0, sides[-1] if sides else 0}:
        yield f"`{feature.name}` has {len(feature.mean)} means and {len(feature.variance)} variances"
    if min(feature.variance, default=0.0) < 0:
        yield f"`{feature.name}` has a variance below zero"


def problems_of_target(target: Target) -> Iterator[str]:
    writes = target.task in ("text", "next_token")
    if writes != (target.vocabulary is not None) or not (writes or target.names):
        yield f"the task {target.task} with {len(target.names)} names"
    if (target.task == "forecast") != (target.horizon is not None) or (target.horizon or 1) < 1:
        yield f"the task {target.task} with the horizon {target.horizon}"
    if not {len(target.mean), len(target.variance)} <= {0, len(target.names)}:
        yield f"{len(target.names)} names with {len(target.mean)} means and {len(target.variance)} variances"
    if min(target.variance, default=0.0) < 0:
        yield "a variance below zero"


def numbers_in(weights: Path) -> int:
    """How many numbers a file of weights holds.

    Raises: DataError: it takes some of them from other files, or says that it holds more than there are. Those of
    h5py: it is no HDF5 file.
    """
    import h5py  # type: ignore[import-untyped]

    count = 0

    def look(name: str, found: Any) -> None:
        nonlocal count
        if not isinstance(found, h5py.Dataset):
            return
        if found.external or found.is_virtual:
            raise DataError(f"{weights}: `{name}` lies in another file, which is not read")
        if found.dtype.kind not in "biuf":
            raise DataError(f"{weights}: `{name}` holds {found.dtype}, expected numbers")
        if found.id.get_storage_size() < found.size * found.dtype.itemsize:
            raise DataError(f"{weights}: `{name}` of the shape {found.shape} is larger than what the file holds of it")
        count += found.size

    with h5py.File(weights, "r") as file:
        file.visititems(look)
    return count


def require_fitting(columns: Columns, signature: Signature) -> None:
    """Raises: DataError: prepared input is not what the model takes: it was saved with the preparation of another."""
    for feature in signature.inputs:
        column = columns.get(feature.name)
        if column is None and feature.name == "previous":  # what is written before each token is not given but found
            continue
        shape = None if column is None else getattr(column, "shape", (0, None))[1:]
        if shape is None or (shape != feature.shape and feature.kind != "tokens"):
            raise DataError(f"the model takes {feature.name} {feature.shape}, and the input was prepared as {shape}")
