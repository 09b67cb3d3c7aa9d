"""Importance on surfaces whose truth is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from kpipe.search.importance import errors_out_of_bag, importance
from kpipe.search.trial import Trial
from kpipe.tuning.space import Axis, Choices, Range, Switch

RATE = Axis("train.learning_rate", Range(min=1e-4, max=0.1, sampling="log"))
NORM = Axis("model.normalization", Choices(choices=("batch", "group", "none")))
DUMMY = Axis("model.dummy", Range(min=0.0, max=1.0))
SIZE = Axis("data.batch_size", Choices(choices=(16, 32, 64, 128)))
SWITCH = Axis("model.residual", Switch(boolean=True))
AXES = [DUMMY, RATE, NORM, SIZE, SWITCH]


def trials(surface: Callable[[dict[str, Any]], float], count: int = 40, seed: int = 0, **more: Any) -> list[Trial]:
    chance = random.Random(seed)
    found = []
    for number in range(count):
        values = {
            RATE.path: math.exp(chance.uniform(math.log(1e-4), math.log(0.1))),
            DUMMY.path: chance.random(),
            **{axis.path: chance.choice(axis.values or ()) for axis in (NORM, SIZE, SWITCH)},
        }
        score = surface(values) + chance.gauss(0, 0.01)
        found.append(Trial(name=f"{number:02d}", values=values, status="done", score=score, **more))
    return found


def valley(values: dict[str, Any]) -> float:
    """The rate is strong, the normalization weak, the others nothing."""
    return float((math.log10(values[RATE.path]) + 2.5) ** 2 + 0.3 * (values[NORM.path] == "none"))


def test_a_strong_one_is_first_and_a_dummy_near_nothing() -> None:
    shares = importance(trials(valley, 60), AXES)
    assert shares is not None
    assert next(iter(shares)) == RATE.path
    assert shares[RATE.path] > 0.7
    assert shares[DUMMY.path] < 0.03
    assert shares[SIZE.path] < 0.03
    assert sum(shares.values()) == pytest.approx(1.0)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


@pytest.mark.parametrize(
    ("strong", "surface"),
    [
        (NORM, lambda values: 1.0 if values[NORM.path] == "group" else 0.0),
        (SWITCH, lambda values: float(values[SWITCH.path])),
        (SIZE, lambda values: math.log2(values[SIZE.path])),
        (DUMMY, lambda values: values[DUMMY.path]),
    ],
)
def test_every_kind_of_value_is_found(strong: Axis, surface: Callable[[dict[str, Any]], float]) -> None:
    shares = importance(trials(surface), AXES)
    assert shares is not None
    assert shares[strong.path] > 0.9


def test_a_missing_value_is_a_value_of_its_own() -> None:
    """Where the normalization is "group", the objective hangs on whether there are groups, not on how many."""
    groups = Axis("model.groups", Range(min=2, max=8), whole=True)
    found = []
    for place, trial in enumerate(trials(lambda _: 0.0, 60)):
        values = {path: value for path, value in trial.values.items() if path == DUMMY.path}
        grouped = place % 2 == 0
        if grouped:
            values[groups.path] = 2 + place % 7
        found.append(trial.model_copy(update={"values": values, "score": float(grouped)}))
    shares = importance(found, [DUMMY, groups])
    assert shares is not None
    assert shares[groups.path] > 0.95


def test_the_same_seed_gives_the_same() -> None:
    found = trials(valley)
    assert importance(found, AXES) == importance(found, AXES)
    assert importance(found, AXES, seed=1) != importance(found, AXES)


def test_says_nothing_where_it_cannot_tell() -> None:
    assert importance([], AXES) is None
    assert importance(trials(valley, 7), AXES) is None
    assert importance(trials(valley), []) is None
    same = [trial.model_copy(update={"score": 0.5}) for trial in trials(valley)]
    assert importance(same, AXES) is None
    failed = [trial.model_copy(update={"status": "failed", "score": None}) for trial in trials(valley)]
    assert importance(failed, AXES) is None


def test_noise_alone_is_mostly_not_told() -> None:
    told = [importance(trials(lambda _: 0.0, 30, seed), AXES) for seed in range(10)]
    assert sum(shares is None for shares in told) >= 7


def test_how_far_hyperband_trained_is_not_put_down_to_a_hyperparameter() -> None:
    """The score rises with the epochs, which go with the rate: one that goes on has a high rate. Both tell as much."""
    found = []
    for trial in trials(valley, 60):
        far = trial.values[DUMMY.path] > 0.5
        score = 5.0 * far + valley(trial.values)
        update = {"epochs": 9 if far else 3, "score": score, "carries_on": "00" if far else None}
        found.append(trial.model_copy(update=update))
    with_epochs = importance(found, AXES)
    without = importance([trial.model_copy(update={"carries_on": None}) for trial in found], AXES)
    assert with_epochs is not None
    assert without is not None
    assert with_epochs[DUMMY.path] < without[DUMMY.path]


def test_the_error_out_of_bag_is_as_scikit_learn_counts_it() -> None:
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor

    chance = np.random.default_rng(0)
    table = chance.normal(size=(30, 3))
    scores = table[:, 0] + chance.normal(0, 0.1, 30)
    forest = RandomForestRegressor(100, oob_score=True, random_state=0).fit(table, scores)
    known = float(((forest.oob_prediction_ - scores) ** 2).mean())
    assert errors_out_of_bag(forest, table[None], scores)[0] == pytest.approx(known)
