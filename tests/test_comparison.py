"""Intervals and paired comparisons, against SciPy's own."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t, ttest_rel

from kpipe.comparison import compare, interval

FIRST = [0.9900, 0.9911, 0.9892, 0.9908, 0.9904]
SECOND = [0.9897, 0.9906, 0.9911, 0.9880, 0.9891]
SCORES = st.lists(st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), min_size=3, max_size=12)


def test_interval_of_a_known_sample() -> None:
    mean, half = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert mean == 3.0
    assert half == pytest.approx(2.7764451 * math.sqrt(2.5 / 5))
    assert interval([1.0, 2.0, 3.0, 4.0, 5.0], 0.5)[1] < half


def test_interval_of_equal_scores_and_of_one() -> None:
    assert interval([0.1, 0.1, 0.1]) == (0.1, 0.0)
    assert interval([0.3]) == (0.3, math.inf)


@pytest.mark.parametrize(("scores", "confidence"), [([], 0.95), ([1.0], 0.0), ([1.0, 2.0], 1.0)])
def test_interval_refuses(scores: list[float], confidence: float) -> None:
    with pytest.raises(ValueError, match="an interval needs"):
        interval(scores, confidence)


@given(SCORES)
def test_agrees_with_the_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    gaps = [one - other for one, other in pairs]
    if max(gaps) - min(gaps) < 1e-6:  # SciPy warns of what is lost to rounding
        return
    known = ttest_rel(first, second)
    ends = known.confidence_interval(0.95)
    found = compare(first, second, "max")
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), abs=1e-7)
    if abs(known.pvalue - 0.05) > 1e-6:
        assert found.distinguishable == (known.pvalue < 0.05)
    for scores, (mean, half) in ((first, found.first), (second, found.second)):
        assert mean == pytest.approx(sum(scores) / len(scores))
        assert half >= 0


@given(SCORES)
def test_changing_places_changes_the_sign_alone(pairs: list[tuple[float, float]]) -> None:
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    one, other = compare(first, second, "min"), compare(second, first, "min")
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low))
    assert one.distinguishable == other.distinguishable
    swapped = {"first": "second", "second": "first", None: None}
    assert one.better == swapped[other.better]


def test_the_sentence() -> None:
    said = compare(FIRST, SECOND, "max").statement
    assert said == "first against second over 5 seeds: 0.9903 +/- 0.0009 and 0.9897 +/- 0.0015: not distinguishable"


def test_a_sure_difference_names_the_better_by_direction() -> None:
    low, high = [0.10, 0.11, 0.12, 0.11], [0.20, 0.21, 0.23, 0.21]
    assert compare(high, low, "max").better == "first"
    assert compare(high, low, "min").better == "second"
    said = compare(low, high, "min", names=("07", "12")).statement
    assert said == (
        "07 against 12 over 4 seeds: 0.1100 +/- 0.0130 and 0.2125 +/- 0.0200: 07 is better, by 0.1025 +/- 0.0080"
    )


def test_pairing_tells_apart_what_the_means_alone_do_not() -> None:
    first = [0.80, 0.90, 0.85, 0.95, 0.75]
    second = [score - 0.01 + nudge for score, nudge in zip(first, (0.001, -0.001, 0.0, 0.001, -0.001), strict=True)]
    found = compare(first, second, "max")
    assert found.better == "first"
    assert found.first[0] - found.second[0] < found.first[1]


def test_equal_scores() -> None:
    found = compare(FIRST, FIRST, "max")
    assert (found.difference, found.low, found.high, found.better) == (0.0, 0.0, 0.0, None)
    assert found.statement.endswith("not distinguishable")
    assert compare([0.5, 0.5], [0.5, 0.5], "min").better is None


def test_a_difference_of_rounding_is_none() -> None:
    assert compare([0.1 + 0.2] * 5, [0.3] * 5, "max").better is None


def test_a_difference_without_spread_counts_from_three_seeds_on() -> None:
    assert compare([0.6] * 3, [0.5] * 3, "max").better == "first"
    two = compare([0.6] * 2, [0.5] * 2, "max")
    assert two.better is None
    assert two.statement.endswith(": too few to tell")


def test_a_seed_that_failed_in_one_is_left_out_of_both() -> None:
    found = compare([*FIRST, 0.1, None], [*SECOND, None, math.nan], "max")
    assert (found.pairs, found.seeds) == (5, 7)
    assert found.first == interval(FIRST)
    assert "over 5 of 7 seeds (the others lack a score): 0.9903" in found.statement


def test_one_pair_and_none() -> None:
    one = compare([0.9, None], [0.8, 0.7], "max")
    assert one.statement == (
        "first against second over 1 of 2 seeds (the others lack a score): 0.9000 and 0.8000: too few to tell"
    )
    none = compare([None, 0.9], [0.8, None], "max")
    assert none.better is None
    assert none.statement == "first against second over 2 seeds: there is no seed with which both came to a score"


def test_as_many_scores_each() -> None:
    with pytest.raises(ValueError, match="zip"):
        compare([1.0], [1.0, 2.0], "max")


def test_intervals_hold_as_often_as_they_say() -> None:
    """Of 2,000 samples of five, 95 % of the intervals have the true mean; 4 standard deviations are 2 %."""
    import numpy as np

    samples = np.random.default_rng(0).normal(0.5, 0.1, (2000, 5))
    held = [abs(mean - 0.5) <= half for mean, half in (interval(row.tolist()) for row in samples)]
    assert abs(sum(held) / 2000 - 0.95) < 0.02
    assert interval(samples[0].tolist())[1] == pytest.approx(t.ppf(0.975, 4) * samples[0].std(ddof=1) / math.sqrt(5))
