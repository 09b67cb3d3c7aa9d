"""Space: what a search may change, by the path of each value in the YAML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from kpipe.spec.mistake import Problem, nearest
from kpipe.spec.received import number
from kpipe.spec.spec import OrOne, Spec, Tuple, refuse

Number = int | float
MOST_STEPS = 1_000_000
Sampling = Literal["linear", "log", "reverse_log"]


class Dimension(Spec):
    """One thing that is searched over."""

    when: dict[str, Annotated[Tuple[Any], OrOne()]] = Field(
        {}, description="searched only where other values of the space are these: {path: value, or a list of values}"
    )


class Range(Dimension):
    """Numbers from ``min`` to ``max``, both included."""

    min: Number = Field(description="the lowest value")
    max: Number = Field(description="the highest value")
    sampling: Sampling = Field(
        "linear", description="evenly, or evenly in the logarithm (log: denser at `min`, reverse_log: denser at `max`)"
    )
    step: Number | None = Field(
        None, gt=0, description="only every so many, from `min` on; with sampling log or reverse_log a factor"
    )

    @model_validator(mode="after")
    def _has_room(self) -> Range:
        for field, value in (("min", self.min), ("max", self.max), ("step", self.step or 0)):
            largest = 2**53 if isinstance(value, int) else 1e150
            if abs(value) > largest:
                raise refuse(Problem((field,), f"{number(value)} is too large to search with", f"at most {largest:g}"))
        if self.min >= self.max:
            raise refuse(Problem(("max",), f"{self.max} is not above `min`, {self.min}", "min < max"))
        if self.sampling != "linear" and self.min < 1e-100:
            message = f"`sampling: {self.sampling}` needs numbers above 0, not {self.min}"
            raise refuse(Problem(("min",), message, "raise `min`, or take `sampling: linear`"))
        if self.sampling != "linear" and self.step is not None and self.step <= 1:
            message = f"with `sampling: {self.sampling}` the step is a factor, above 1"
            raise refuse(Problem(("step",), message, "step: 2"))
        if self.step is not None and not 2 <= count(self, self.step) <= MOST_STEPS:
            few = count(self, self.step) < 2
            message = "no second value" if few else f"more than {MOST_STEPS:,} values"
            raise refuse(
                Problem(("step",), f"{message} from `min` to `max`", f"a {'smaller' if few else 'larger'} step")
            )
        return self


class Choices(Dimension):
    """One of several values: numbers, words, lists, or whole parts of the YAML."""

    choices: Tuple[Any] = Field(min_length=2, description="the values")


class Switch(Dimension):
    """true or false."""

    boolean: Literal[True] = Field(description="true: both values are tried")


def form_of(written: Any) -> str:
    """Which of the three is meant, by the key that only it has, also where that has a typo."""
    if isinstance(written, Dimension):
        return type(written).__name__
    keys = [str(key) for key in written] if isinstance(written, Mapping) else []
    fields = [*Range.model_fields, *Choices.model_fields, *Switch.model_fields]
    meant = {key if key in fields else nearest(key, fields) for key in keys}
    return "Choices" if "choices" in meant else "Switch" if "boolean" in meant else "Range"


AnyDimension = Annotated[
    Annotated[Range, Tag("Range")] | Annotated[Choices, Tag("Choices")] | Annotated[Switch, Tag("Switch")],
    Discriminator(form_of),
    Field(description="{min: 0.1, max: 0.5}, {choices: [a, b]} or {boolean: true}"),
]


@dataclass(frozen=True)
class Axis:
    """A dimension that was checked against the pipeline."""

    path: str
    dimension: Range | Choices | Switch
    whole: bool = False
    """of a range: whole numbers only"""
    default: Any = None
    """the pipeline's own value; None where it has none"""

    @property
    def values(self) -> Sequence[Any] | None:
        """All values in order, where they can be counted; else None."""
        if isinstance(self.dimension, Choices):
            return self.dimension.choices
        if isinstance(self.dimension, Switch):
            return (False, True)
        return steps_of(self.dimension, self.whole)


def steps_of(span: Range, whole: bool) -> Sequence[Number] | None:
    """The numbers of a range with a step, from the lowest on; None without one, but for whole numbers spread evenly.

    Steps begin at ``min``, those of reverse_log at ``max``.
    """
    step = span.step if span.step is not None else 1 if whole and span.sampling == "linear" else None
    if step is None:
        return None
    if whole and isinstance(step, int) and span.sampling == "linear":
        return range(int(span.min), int(span.max) + 1, step)
    places = range(count(span, step))
    if span.sampling == "linear":
        values = [span.min + place * step for place in places]
    elif span.sampling == "log":
        values = [span.min * step**place for place in places]
    else:
        values = [span.max + span.min - span.min * step**place for place in reversed(places)]
    return tuple(int(value) if whole else min(float(f"{value:.15g}"), float(span.max)) for value in values)


def count(span: Range, step: Number) -> int:
    """How many numbers a range with a step has, or that they are more than ``MOST_STEPS``."""
    linear = span.sampling == "linear"
    steps = (span.max - span.min) / step if linear else (math.log(span.max) - math.log(span.min)) / math.log(step)
    return int(min(steps, MOST_STEPS) + 1e-9) + 1


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """For each path the fewest last parts that tell it from the others: ``train.optimizer.AdamW.learning_rate`` is
    ``learning_rate``."""
    paths = list(dict.fromkeys(paths))
    names = {}
    for path in paths:
        parts = path.split(".")
        for length in range(1, len(parts) + 1):
            name = ".".join(parts[-length:])
            alone = sum(other in (path, name) or other.endswith(f".{name}") for other in paths) == 1
            if alone and not name.isdecimal() and not name[0].isdecimal():
                break
        names[path] = name
    return names
