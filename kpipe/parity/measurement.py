"""Measurement: the numbers that one backend gave, in one plain file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

RECORD = "record"
Arrays = Mapping[str, np.ndarray]
GROUPS = ("weights", "batch", "outputs", "gradients")


@dataclass(frozen=True)
class Part:
    """A stage, or what a stage trains by itself: its first step in full, and the loss of each."""

    name: str
    weights: Arrays
    """before its first step, by path"""
    batch: Arrays
    """its first: inputs, target, weights"""
    outputs: Arrays
    """of each layer in the first step, in the order in which they were computed"""
    gradients: Arrays
    """of the first step's loss, as the optimizer gets them"""
    losses: tuple[float, ...]
    batches: tuple[str, ...]
    """which examples are in each step, hashed"""
    random: tuple[str, ...]
    """layers that draw numbers in training"""


@dataclass(frozen=True)
class Measurement:
    """What a backend gave, from the first part to the evaluation on validation."""

    backend: str
    fingerprint: str
    """of the data"""
    seconds: float
    parts: tuple[Part, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)


def write(measurement: Measurement, path: Path) -> None:
    record: dict[str, Any] = {
        name: getattr(measurement, name) for name in ("backend", "fingerprint", "seconds", "metrics")
    }
    record["parts"] = [
        {name: value for name, value in asdict(part).items() if name not in GROUPS} for part in measurement.parts
    ]
    arrays = {
        f"{number}/{group}/{name}": array
        for number, part in enumerate(measurement.parts)
        for group in GROUPS
        for name, array in getattr(part, group).items()
    }
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **{RECORD: np.frombuffer(json.dumps(record).encode(), np.uint8)}, **arrays)


def read(path: Path) -> Measurement:
    with np.load(path, allow_pickle=False) as file:
        record = json.loads(file[RECORD].tobytes())
        parts = []
        for number, written in enumerate(record["parts"]):
            fields: dict[str, Any] = {group: group_of(file, f"{number}/{group}/") for group in GROUPS}
            fields |= {name: tuple(value) if isinstance(value, list) else value for name, value in written.items()}
            parts.append(Part(**fields))
    return Measurement(**{**record, "parts": tuple(parts)})


def group_of(file: Any, prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): file[name] for name in file.files if name.startswith(prefix)}


def numbered(names: Sequence[str]) -> list[str]:
    """The names, made to differ: the second ``dense`` is ``dense#2``."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return found
