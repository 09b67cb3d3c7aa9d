"""Report: how far each backend is from the first, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

What = Literal["examples", "batch", "weights", "layers", "gradients", "loss", "metrics"]


@dataclass(frozen=True)
class Row:
    """One comparison of one backend."""

    backend: str
    what: What
    difference: float
    """the largest"""
    where: str
    """the layer, variable, step or metric that has it; "" where there is no difference"""
    allowed: float | None
    """None: told, not judged"""
    first: str = ""
    """of several that are beyond what is allowed, the one that comes first"""

    @property
    def beyond(self) -> bool:
        return self.allowed is not None and not self.difference <= self.allowed


@dataclass(frozen=True)
class Course:
    """The loss of every step on one backend, and its distance from the first backend's."""

    losses: tuple[float, ...]
    differences: tuple[float, ...]
    departs: int | None
    """the first step, from 1, whose difference is not allowed"""
    tenfold: float | None
    """steps in which the difference grows tenfold; None where it does not grow"""


@dataclass(frozen=True)
class PartReport:
    """A stage, or what a stage trains by itself."""

    name: str
    rows: tuple[Row, ...]
    courses: Mapping[str, Course]
    """by backend, the first among them"""
    random: tuple[str, ...]
    """layers that draw in training"""
    alone: Mapping[str, tuple[str, ...]]
    """by backend, the layers that it or the first has alone"""


@dataclass(frozen=True)
class Report:
    """All of it."""

    pipeline: str
    backends: tuple[str, ...]
    """the first is the one that the others are compared with"""
    steps: int
    from_reference: bool
    parts: tuple[PartReport, ...]
    metrics: Mapping[str, Mapping[str, float]]
    """on validation, by name and backend"""
    last: tuple[Row, ...]
    """the comparison of the metrics"""
    seconds: Mapping[str, float]
    random: bool = False
    """layers that draw were left on"""

    @property
    def beyond(self) -> tuple[Row, ...]:
        """What is not within the tolerances."""
        return tuple(row for row in (*(row for part in self.parts for row in part.rows), *self.last) if row.beyond)

    @property
    def alone(self) -> dict[str, list[str]]:
        """By backend, the layers of all parts that it or the first has alone."""
        found: dict[str, dict[str, None]] = {}
        for part in self.parts:
            for backend, names in part.alone.items():
                found.setdefault(backend, {}).update(dict.fromkeys(names))
        return {backend: list(names) for backend, names in found.items() if names}

    @property
    def agrees(self) -> bool:
        return not self.beyond

    def record(self) -> dict[str, Any]:
        """As plain JSON values; what is infinite becomes a text."""
        found: dict[str, Any] = plain({"agrees": self.agrees, **asdict(self)})
        return found


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value
