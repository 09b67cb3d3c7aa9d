"""Expect: what metrics have to be for a run to be good enough, so that a pipeline is a test."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pydantic import Field, model_validator

from kpipe.errors import WrongInput
from kpipe.spec.mistake import Path, Problem, dotted, nearest, printable
from kpipe.spec.one_of import components
from kpipe.spec.spec import Spec, refuse

SPLIT = "test."
OTHER_SPLITS = ("val_", "val.", "val/", "validation.", "validation/", "train.", "train/", "test_", "test/")
FRACTIONS = (
    *("accuracy", "subset_accuracy", "token_accuracy", "exact_match", "calibration_error", "roc_auc", "roc_auc/*"),
    *("macro_f1", "f1/*", "macro_precision", "precision/*", "macro_recall", "recall/*"),
    *("entity_f1", "entity_precision", "entity_recall", "entity_f1/*", "top_[0-9]*_accuracy"),
)
"""kpipe's own metrics that lie between 0 and 1."""
LONGEST_LIST = 12


class Bounds(Spec):
    """What a metric has to be; both ends are allowed."""

    min: float | None = Field(None, description="the least that is good enough")
    max: float | None = Field(None, description="the most that is good enough")

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping_of_numbers(cls, written: Any) -> Any:
        if isinstance(written, (int, float)) and not isinstance(written, bool):
            raise refuse(
                Problem((), f"{written:g} may be the least or the most", f"write {{min: {written:g}}}, or max")
            )
        if isinstance(written, Mapping) and any(isinstance(value, Mapping) for value in written.values()):
            metrics = ", ".join(f"`{SPLIT}{printable(metric)}: {{...}}`" for metric in written)
            raise refuse(Problem((), "split and metric are one word here", f"write {metrics}"))
        return written

    @model_validator(mode="after")
    def _can_be_met(self) -> Bounds:
        if self.min is None and self.max is None:
            raise refuse(Problem((), "neither `min` nor `max`", "write {min: 0.97}, or {max: 0.1}"))
        if self.min is not None and self.max is not None and self.min > self.max:
            message = f"{self.min:g} is above `max`, {self.max:g}: no number is between"
            raise refuse(Problem(("min",), message, "change the two"))
        return self

    @property
    def words(self) -> str:
        """``at least 0.97``."""
        least = [] if self.min is None else [f"at least {self.min:g}"]
        return " and ".join(least if self.max is None else [*least, f"at most {self.max:g}"])


@dataclass(frozen=True)
class Outcome:
    """An expectation, and what was found."""

    name: str
    """as in the YAML: ``test.accuracy``"""
    bounds: Bounds
    found: float | None
    reason: str = ""
    """why there is no number"""

    @property
    def is_met(self) -> bool:
        if self.found is None or not math.isfinite(self.found):
            return False
        low = -math.inf if self.bounds.min is None else self.bounds.min
        high = math.inf if self.bounds.max is None else self.bounds.max
        return low <= self.found <= high

    @property
    def words(self) -> str:
        """``test.accuracy 0.9861, expected at least 0.97: met``."""
        found = f"is not there ({self.reason})" if self.found is None else f"{self.found:.6g}"
        return f"{self.name} {found}, expected {self.bounds.words}: {'met' if self.is_met else 'NOT met'}"


def outcomes(
    expected: Mapping[str, Bounds], metrics: Mapping[str, float], left_out: Mapping[str, str]
) -> tuple[Outcome, ...]:
    """What came of each expectation; ``left_out`` says why a metric is not there."""
    found = []
    for name, bounds in expected.items():
        metric = name.removeprefix(SPLIT)
        reason = left_out.get(metric) or left_out.get(metric.partition("/")[0]) or "evaluation did not give it"
        found.append(Outcome(name, bounds, metrics.get(metric), "" if metric in metrics else reason))
    return tuple(found)


def in_words(found: Sequence[Outcome]) -> str:
    """All of them in a line, for a tag: ``met``, or what was not."""
    missed = [outcome.words for outcome in found if not outcome.is_met]
    return f"{len(missed)} of {len(found)} not met: {'; '.join(missed)}" if missed else "met"


def wrong_expectations(
    expected: Mapping[str, Bounds], names: Sequence[str], elsewhere: Mapping[str, str]
) -> Iterator[Problem]:
    """What no run could meet; ``names`` are those that evaluation gives (``f1/*``: one for each class), ``elsewhere``
    those that it would give, each with what is to be done for it."""
    for name, bounds in expected.items():
        here: Path = ("expect", name)
        metric = name.removeprefix(SPLIT)
        if wrong := wrong_name(name, names, elsewhere):
            yield Problem(here, *wrong, key=here)
        elif any(fnmatchcase(metric, fraction) for fraction in FRACTIONS):
            if bounds.min is not None and bounds.min > 1:
                hint = f"write {bounds.min / 100:g}" if bounds.min > 10 else "it is a fraction, not per cent"
                yield Problem((*here, "min"), f"{metric} is never above 1", hint)
            if bounds.max is not None and bounds.max < 0:
                yield Problem((*here, "max"), f"{metric} is never below 0", "it is a fraction, from 0 to 1")


def require_outputs(expected: Mapping[str, Bounds], outputs: tuple[str, ...]) -> None:
    """Raises: WrongInput: something is expected of a class or value that the data, now that it is loaded, lacks."""
    from kpipe.evaluation.per_output import PerOutput, metric_names

    metrics = components("kpipe.evaluation.metrics")
    for name in expected:
        metric, slash, _ = name.removeprefix(SPLIT).partition("/")
        if not slash or metric not in metrics or not issubclass(metrics[metric], PerOutput):
            continue
        known = [SPLIT + one for one in metric_names(metric, outputs)]
        if name not in known:
            near = nearest(name, known)
            message = f"{dotted(('expect', name))}: the data has no such output"
            hint = f"did you mean `{near}`?" if near else f"one of: {', '.join(known[:LONGEST_LIST])}"
            raise WrongInput(message, hint)


def wrong_name(name: str, names: Sequence[str], elsewhere: Mapping[str, str]) -> tuple[str, str] | None:
    """Message and hint, where the name is none that a run measures."""
    metric = name.removeprefix(SPLIT)
    single = [known for known in names if not known.endswith("*")]
    if not name.startswith(SPLIT):
        other = next((split for split in OTHER_SPLITS if name.startswith(split)), "")
        metric = name.removeprefix(other)
        near = metric if is_given(metric, names) else nearest(metric, single)
        hint = f"write {SPLIT}{near}" if near else one_of(single)
        return f"runs are measured on test: expected `test.` and a metric, not `{printable(name)}`", hint
    if is_given(metric, names):
        return None
    near = nearest(metric, single)
    hint = elsewhere.get(metric) or (f"did you mean `{SPLIT}{near}`?" if near else one_of(single))
    return f"evaluation gives no `{printable(metric)}`", hint


def is_given(metric: str, names: Sequence[str]) -> bool:
    return any(fnmatchcase(metric, name) for name in names)


def one_of(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > LONGEST_LIST else ""
    return f"one of: {', '.join(SPLIT + name for name in names[:LONGEST_LIST])}{more}" if names else ""
