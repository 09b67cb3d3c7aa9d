"""Comparison: what several seeds say: means with their intervals, and whether one pipeline is really better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kpipe.report import number
from kpipe.tuning.search import Direction

ROUNDING = 1e-12
"""Differences below this share of the scores come from rounding."""


@dataclass(frozen=True)
class Comparison:
    """Two pipelines trained with the same seeds. Means are over the seeds with which both came to a score."""

    first: tuple[float, float]
    """mean and half width of its interval"""
    second: tuple[float, float]
    difference: float
    """the mean of first less second; NaN without a pair"""
    low: float
    high: float
    """the ends of the difference's interval"""
    pairs: int
    """seeds with which both came to a score"""
    seeds: int
    """seeds in all"""
    direction: Direction
    names: tuple[str, str] = ("first", "second")

    @property
    def distinguishable(self) -> bool:
        """Whether zero lies outside the interval of the difference."""
        return self.low > 0 or self.high < 0

    @property
    def better(self) -> str | None:
        """The name of the one that is better; None where they cannot be told apart."""
        if not self.distinguishable:
            return None
        return self.names[(self.difference > 0) != (self.direction == "max")]

    @property
    def statement(self) -> str:
        """``first against second over 5 seeds: 0.9903 +/- 0.0012 and 0.9897 +/- 0.0015: not distinguishable``"""
        first, second = self.names
        failed = self.seeds - self.pairs
        over = f"{self.seeds} {'seed' if self.seeds == 1 else 'seeds'}"
        if not self.pairs:
            return f"{first} against {second} over {over}: there is no seed with which both came to a score"
        found = f"{self.pairs} of {over} (the others lack a score)" if failed else over
        means = f"{first} against {second} over {found}: {plus_minus(*self.first)} and {plus_minus(*self.second)}"
        if math.isinf(self.high):
            return f"{means}: too few to tell"
        if self.better is None:
            return f"{means}: not distinguishable"
        return f"{means}: {self.better} is better, by {plus_minus(abs(self.difference), (self.high - self.low) / 2)}"


def compare(
    first: Sequence[float | None],
    second: Sequence[float | None],
    direction: Direction,
    confidence: float = 0.95,
    names: tuple[str, str] = ("first", "second"),
) -> Comparison:
    """Compares the scores of two pipelines, seed by seed; None (or NaN) stands for a training that failed.

    The interval is that of the paired t-test, whose seeds share what they have in common. Two equal differences without
    any spread are too few: of scores that are counts (right answers of 180) they are often chance.

    Reference: Student, 1908, The probable error of a mean.
    """
    both = [(one, other) for one, other in zip(first, second, strict=True) if came(one) and came(other)]
    pairs = [(float(one or 0.0), float(other or 0.0)) for one, other in both]
    differences = [one - other for one, other in pairs]
    largest = max((abs(score) for pair in pairs for score in pair), default=0.0)
    differences = [0.0 if abs(gap) <= ROUNDING * largest else gap for gap in differences]
    mean, half = interval(differences, confidence) if pairs else (math.nan, math.inf)
    if half <= ROUNDING * largest:
        half = math.inf if any(differences) and len(pairs) < 3 else 0.0
    return Comparison(
        first=interval([one for one, _ in pairs], confidence) if pairs else (math.nan, math.inf),
        second=interval([other for _, other in pairs], confidence) if pairs else (math.nan, math.inf),
        difference=mean,
        low=mean - half if pairs else -math.inf,
        high=mean + half if pairs else math.inf,
        pairs=len(pairs),
        seeds=len(first),
        direction=direction,
        names=names,
    )


def interval(scores: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """The mean, and half the width of its confidence interval by Student's t; infinite of one score.

    Raises: ValueError: there are no scores, or ``confidence`` is not between 0 and 1.
    """
    if not scores or not 0 < confidence < 1:
        raise ValueError("an interval needs at least one score, and a confidence between 0 and 1")
    count = len(scores)
    mean = math.fsum(scores) / count
    if count == 1:
        return mean, math.inf
    if min(scores) == max(scores):
        return float(scores[0]), 0.0
    from scipy.stats import t

    variance = math.fsum((score - mean) ** 2 for score in scores) / (count - 1)
    return mean, float(t.ppf((1 + confidence) / 2, count - 1)) * math.sqrt(variance / count)


def came(score: float | None) -> bool:
    """Whether a training came to a score."""
    return score is not None and math.isfinite(score)


def plus_minus(mean: float, half: float) -> str:
    """``0.9903 +/- 0.0012``; of one score the mean alone."""
    return number(mean) if math.isinf(half) else f"{number(mean)} +/- {fine(half)}"


def fine(value: float) -> str:
    """A small difference, with the digits of the scores beside it: ``0.0007``; ``3.10e-05`` where these were all 0."""
    return f"{value:.4f}" if 0.0001 <= abs(value) < 0.001 else number(value)
