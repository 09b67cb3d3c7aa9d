"""The Transformer's own schedule against the formula of its paper."""

from __future__ import annotations

import numpy as np
import pytest

from kpipe.training.schedules.inverse_square_root import InverseSquareRoot


def test_it_is_the_paper_s_rate_over_its_peak() -> None:
    width, warmup, steps = 512, 4000, 20_000
    count = np.arange(1, steps + 1, dtype="float64")
    paper = width**-0.5 * np.minimum(count**-0.5, count * warmup**-1.5)
    factors = InverseSquareRoot(warmup=warmup - 1).factor(count - 1, steps, np)
    peak = (width * warmup) ** -0.5
    assert peak == pytest.approx(7.0e-4, rel=0.01)
    np.testing.assert_allclose(peak * factors, paper, rtol=1e-9)


def test_it_halves_in_four_times_the_warm_up() -> None:
    schedule = InverseSquareRoot(warmup=99)
    assert [float(schedule.factor(np.float64(step), 1000, np)) for step in (0, 99, 399)] == pytest.approx(
        [0.01, 1, 0.5]
    )
    assert InverseSquareRoot().warmup == 4000
