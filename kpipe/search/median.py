"""The median rule: which trials are hopeless."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping

from kpipe.search.trial import Trial
from kpipe.tuning.search import Direction, MedianRule


def is_hopeless(curve: Mapping[int, float], trials: Iterable[Trial], rule: MedianRule, direction: Direction) -> bool:
    """Whether the best of a curve so far is worse than the median of the other trials' means up to the same epoch.

    ``curve`` has a value for each epoch; trials that are done count.

    Reference: D. Golovin et al., 2017, Google Vizier: a service for black-box optimization.
    """
    epoch = max(curve, default=0)
    others = [trial.curve[:epoch] for trial in trials if trial.counts and trial.is_asked and len(trial.curve) >= epoch]
    if epoch < rule.warmup_epochs or len(others) < rule.min_trials:
        return False
    median = statistics.median(sum(values) / epoch for values in others)
    return max(curve.values()) < median if direction == "max" else min(curve.values()) > median
