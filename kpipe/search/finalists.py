"""Finalists: the best trials, trained anew with other seeds, and whether the first is really better than the second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kpipe.comparison import Comparison, compare
from kpipe.search.frame import best_first
from kpipe.search.trial import Trial
from kpipe.tuning.search import Search


@dataclass(frozen=True)
class Verdict:
    """What the finalists' trainings say."""

    scores: Mapping[str, tuple[float | None, ...]]
    """of each finalist, seed by seed; None of a training that failed"""
    comparison: Comparison | None
    """of the first and the second; None where there is only one"""


def finalists(trials: Iterable[Trial], search: Search) -> list[Trial]:
    """The best trials that differ in their values; of equal ones the first."""
    assert search.finalists is not None
    found: list[Trial] = []
    for trial in best_first([trial for trial in trials if trial.counts and trial.is_asked], search.best):
        if all(trial.values != other.values for other in found):
            found.append(trial)
    return found[: search.finalists.best]


def verdict(chosen: list[Trial], trials: Mapping[str, Trial], search: Search) -> Verdict | None:
    """The scores of all seeds, compared; None where no trial was good enough to be trained again."""
    assert search.finalists is not None
    seeds = range(1, search.finalists.seeds + 1)
    scores = {trial.name: tuple(trials[f"{trial.name}-seed-{number}"].score for number in seeds) for trial in chosen}
    if not scores:
        return None
    first, *others = scores.values()
    return Verdict(scores, compare(first, others[0], search.best) if others else None)
