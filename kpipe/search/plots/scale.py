"""Scale: where the values of a hyperparameter lie in a picture, between 0 and 1, and how they are written there."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kpipe.search.trial import Trial
from kpipe.tuning.space import Axis, Range

MISSING = -0.16
"""The place of a value that a trial does not have, as its `when` did not hold: below the others."""
LONGEST = 18
"""Letters of a value at most."""


@dataclass(frozen=True)
class Scale:
    """Numbers lie as they are sampled, evenly or evenly in the logarithm; of choices each has a cell of its own."""

    axis: Axis

    @property
    def is_number(self) -> bool:
        return isinstance(self.axis.dimension, Range)

    @cached_property
    def values(self) -> tuple[Any, ...]:
        """Of choices, all of them in order."""
        return () if self.is_number else tuple(self.axis.values or ())

    @cached_property
    def cells(self) -> dict[str, int]:
        return {key(value): cell for cell, value in enumerate(self.values)}

    def cell(self, trial: Trial) -> int | None:
        """Which of the choices a trial has."""
        path = self.axis.path
        return self.cells.get(key(trial.values[path])) if path in trial.values else None

    def place(self, trial: Trial) -> float:
        """Where the value of a trial lies, from 0 to 1; MISSING where it has none."""
        if self.is_number:
            value = trial.values.get(self.axis.path)
            return MISSING if value is None else self.of_number(float(value))
        cell = self.cell(trial)
        return MISSING if cell is None else (cell + 0.5) / len(self.values)

    def of_number(self, value: float) -> float:
        span = self.axis.dimension
        assert isinstance(span, Range)
        low, high = float(span.min), float(span.max)
        value = min(max(value, low), high)
        if span.sampling == "log":
            return math.log(value / low) / math.log(high / low)
        if span.sampling == "reverse_log":
            return 1 - math.log((high + low - value) / low) / math.log(high / low)
        return (value - low) / (high - low)

    def ticks(self, count: int = 5) -> list[tuple[float, str]]:
        """Places with what is written there; of numbers some round ones."""
        if not self.is_number:
            words = labels(self.values)
            return [((cell + 0.5) / len(words), word) for cell, word in enumerate(words)]
        span = self.axis.dimension
        assert isinstance(span, Range)
        found = round_numbers(float(span.min), float(span.max), count, span.sampling == "log", self.axis.whole)
        return [(self.of_number(value), label(value)) for value in found]


def round_numbers(low: float, high: float, count: int, log: bool, whole: bool) -> list[float]:
    """Round numbers from ``low`` to ``high``: powers of ten, or 1, 2 and 5 times these; at least the two ends."""
    from matplotlib.ticker import MaxNLocator

    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for factors in ((1,), (1, 3), (1, 2, 5)):
            found = [factor * 10.0**power for power in powers for factor in factors]
            found = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
            if len(found) >= 3:
                return found[:: -(-len(found) // count)]
        return [low, high]
    tolerance = 1e-9 * (high - low)
    places = MaxNLocator(count, integer=whole, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    found = [float(value) for value in places if low - tolerance <= value <= high + tolerance]
    return found if len(found) >= 2 else [low, high]


def key(value: Any) -> str:
    """The same for values that mean the same: 64 and 64.0, a list and a tuple; 1 and true do not."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(float(value))
    return plain(value)


def plain(value: Any) -> str:
    """A value on one line, as YAML takes it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def label(value: Any) -> str:
    """A value in a few letters: ``0.001``, ``true``, ``[32, 64]``; of a part of the YAML its type or Keras's name."""
    if isinstance(value, Mapping):
        named = value.get("type") or (next(iter(value)) if len(value) == 1 else None)
        return cut(str(named) if named is not None else plain(value))
    if isinstance(value, (list, tuple)):
        return cut("[" + ", ".join(map(label, value)) + "]")
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    return cut(f"{value:.4g}" if isinstance(value, float) else str(value))


def labels(values: Sequence[Any]) -> list[str]:
    """A label for each value that no other has; values that look alike in a few letters are numbered."""
    words = [label(value) for value in values]
    if len(set(words)) < len(words):
        words = [
            word if count == 1 else cut(plain(value).replace('"', "")) for value, word, count in counted(values, words)
        ]
    return [
        word if count == 1 else f"{word} ({place})" for place, (_, word, count) in enumerate(counted(values, words), 1)
    ]


def counted(values: Sequence[Any], words: list[str]) -> list[tuple[Any, str, int]]:
    counts = Counter(words)
    return [(value, word, counts[word]) for value, word in zip(values, words, strict=True)]


def cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
