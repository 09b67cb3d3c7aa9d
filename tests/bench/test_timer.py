"""What the looks at a clock say of steps, compiling and validation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kpipe.bench.timer import ENOUGH_SECONDS, Enough, Part, Timer, quantile
from kpipe.training.method import Epoch

ROW = Epoch("fit", 1, 4, 1.0, 1.0, 0.1, {})


def looks(began: float, seconds: list[float], at: int = 1) -> list[tuple[int, float]]:
    """A look after each step."""
    found = []
    for step, each in enumerate(seconds, start=at):
        began += each
        found.append((step, began))
    return found


def part(*epochs: list[float], validation: float = 0.5) -> Part:
    made = Part("fit", began=100.0, steps=len(epochs[0]))
    now = 100.0
    for seconds in epochs:
        made.epochs.append(looks(now, seconds))
        now = made.epochs[-1][-1][1] + validation
        made.ends.append(now)
    return made


def test_the_first_epoch_says_what_compiling_takes_and_the_others_what_a_step_does() -> None:
    times = part([5.0, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1]).times(0, 20, mixed=False)
    assert (times.first_step, times.step, times.validation) == pytest.approx((5.0, 0.1, 0.5))
    assert times.compiling == pytest.approx(5.3 - 0.4)
    assert times.steps == 20


def test_what_an_epoch_takes_beside_its_steps_counts_too() -> None:
    made = part([5.0, 0.1, 0.1, 0.1], [0.7, 0.1, 0.1, 0.1], [0.7, 0.1, 0.1, 0.1])  # a checkpoint before the first step
    times = made.times(0, 20, mixed=False)
    assert (times.step, times.validation) == pytest.approx((0.1, 0.5))
    assert times.around == pytest.approx(0.6 + 0.5)


def test_a_step_that_was_disturbed_does_not_move_the_median_but_the_quartile() -> None:
    times = part([1.0] * 5, [0.1, 0.1, 0.1, 9.0, 9.0], [0.1, 0.1, 0.1, 0.1, 9.0]).times(0, 20, mixed=False)
    assert times.step == pytest.approx(0.1)
    assert times.slow == pytest.approx(9.0)


def test_batches_of_several_shapes_count_by_their_mean() -> None:
    epoch = [0.1, 0.1, 0.1, 0.4, 0.4]
    steps = [0.1, 0.1, 0.4, 0.4]  # what lies between looks
    assert part([1.0] * 5, epoch, epoch).times(0, 20, mixed=True).step == pytest.approx(sum(steps) / 4)


def test_several_steps_between_two_looks_weigh_as_many() -> None:
    made = Part("fit", 0.0, 10, [[(10, 1.0)], [(1, 2.0), (9, 2.8), (10, 4.0)]], [1.5, 4.5])
    assert made.intervals() == [(8, pytest.approx(0.8)), (1, pytest.approx(1.2))]
    assert made.times(0, 10, mixed=False).step == pytest.approx(0.1)


def test_an_epoch_too_short_for_two_looks_is_measured_from_the_end_of_the_one_before() -> None:
    made = Part("fit", 0.0, 4, [[(4, 1.0)], [(4, 1.6)]], [1.2, 1.8])
    assert made.intervals() == [(4, pytest.approx(0.4))]


@pytest.mark.parametrize(("share", "value"), [(0.25, 1.0), (0.5, 2.0), (1.0, 3.0)])
def test_quantiles_are_weighted(share: float, value: float) -> None:
    assert quantile([(3.0, 1), (1.0, 1), (2.0, 2)], share) == value


def ticking(step: float) -> Iterator[float]:
    now = 0.0
    while True:
        now += step
        yield now


@pytest.mark.parametrize("stoppable", [True, False])
def test_a_stage_is_left_when_it_was_seen_for_long_enough(stoppable: bool) -> None:
    clock = ticking(ENOUGH_SECONDS / 4)
    timer = Timer(0.0, stoppable, tell=lambda words: None, clock=lambda: next(clock))
    timer.on_stage("fit", 20, 4)
    for epoch in (1, 2):
        for step in (1, 2, 3, 4):
            timer.on_step(epoch, step, {})
        if epoch == 1:
            timer.on_epoch(ROW)  # never after the first, in which everything is compiled
    timer.on_step(2, 5, {})
    timer.on_step(2, 6, {})
    if stoppable:
        with pytest.raises(Enough):
            timer.on_epoch(ROW)
    else:
        timer.on_epoch(ROW)
    assert timer.parts[0].ends[-1] == timer.began
