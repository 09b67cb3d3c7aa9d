"""The adapter on KerasTuner: four searches that a crash at any moment cannot disturb."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.backend import derive
from kpipe.tuning.bayesian import Bayesian
from kpipe.tuning.grid import Grid
from kpipe.tuning.hyperband import Hyperband
from kpipe.tuning.random import Random
from kpipe.tuning.search import Search
from kpipe.tuning.space import Axis, Choices, Range, Switch

AXES = (
    Axis("model.dropout", Range(min=0.0, max=0.5, step=0.25), default=0.0),
    Axis("model.head", Choices(choices=("flatten", "gap")), default="gap"),
    Axis("model.units", Choices(choices=([8], [16, 8])), default=None),
    Axis("train.shuffle", Switch(boolean=True), default=True),
    Axis("model.pool", Range(min=2, max=3, when={"model.head": ("flatten",)}), whole=True, default=None),
)
SPACE = {axis.path: axis.dimension for axis in AXES}
SEARCHES: tuple[Search, ...] = (
    Random(objective="val_accuracy", max_trials=12, space=SPACE),
    Grid(objective="val_accuracy", space=SPACE),
    Bayesian(objective="val_accuracy", max_trials=14, num_initial_points=8, space=SPACE),
    Hyperband(objective="val_accuracy", max_epochs=9, space=SPACE),
)
Told = list[tuple[str, dict[str, Any], int | None, str | None]]


def score_of(values: Mapping[str, Any]) -> float | None:
    """A surface with an impossible corner."""
    if values["model.dropout"] == 0.5 and values["model.head"] == "flatten":
        return None
    return 0.5 + values["model.dropout"] + 0.1 * len(values["model.units"]) + 0.01 * values.get("model.pool", 0)


def carry_out(search: Search, folder: Path, stop_after: int = 10_000, seed: int = 1) -> tuple[Told, bool]:
    """Asks and tells one after the other; leaves after so many events, as a process that is killed."""
    oracle = search.oracle(AXES, 9, seed)
    waiting, told = oracle.open(folder), []
    for _ in range(stop_after):
        suggestion = waiting.pop(0) if waiting else oracle.ask()
        if suggestion is None:
            return told, True
        stop_after -= 1
        if not stop_after:
            return told, False
        oracle.tell(suggestion.name, score_of(suggestion.values))
        told.append(tuple(suggestion))
    return told, False


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.type)
def test_a_search_that_is_left_at_any_event_goes_on_as_if_it_had_not_been(search: Search, tmp_path: Path) -> None:
    straight, ended = carry_out(search, tmp_path / "straight")
    assert ended
    assert len(straight) >= 12
    in_parts: Told = []
    for events in (1, 2, 1, 5, 3, 1, 10_000):
        told, ended = carry_out(search, tmp_path / "parts", events)
        in_parts += told
    assert ended
    assert in_parts == straight


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.type)
def test_a_crash_between_two_files_loses_nothing_and_doubles_nothing(search: Search, tmp_path: Path) -> None:
    """The trial's file is newer than the oracle's, when a crash comes between the two."""
    straight, _ = carry_out(search, tmp_path / "straight")
    folder = tmp_path / "torn"
    oracle = search.oracle(AXES, 9, 1)
    oracle.open(folder)
    told: Told = []
    for _ in range(6):
        before = folder / "oracle.json"
        kept = before.read_bytes() if before.exists() else None
        suggestion = oracle.ask()
        assert suggestion is not None
        if kept is not None:  # the oracle never heard of the trial it just gave out
            before.write_bytes(kept)
            oracle = search.oracle(AXES, 9, 1)
            assert oracle.open(folder) == []
            assert oracle.ask() == suggestion
        asked = before.read_bytes()
        oracle.tell(suggestion.name, score_of(suggestion.values))
        told.append(tuple(suggestion))
        before.write_bytes(asked)  # nor that it has ended
        oracle = search.oracle(AXES, 9, 1)
        assert oracle.open(folder) == [suggestion]
        oracle.tell(suggestion.name, score_of(suggestion.values))
        oracle.tell(suggestion.name, score_of(suggestion.values))
    assert told == straight[:6]


def test_a_grid_has_every_combination_once_and_begins_with_the_defaults(tmp_path: Path) -> None:
    told, _ = carry_out(SEARCHES[1], tmp_path)
    combinations = [json.dumps(values, sort_keys=True) for _, values, _, _ in told]
    assert len(combinations) == len(set(combinations)) == 3 * 2 * 2 * (2 + 1)
    assert told[0][1] == {"model.dropout": 0.0, "model.head": "gap", "model.units": [8], "train.shuffle": True}


def test_what_depends_on_another_value_is_there_only_with_it(tmp_path: Path) -> None:
    told, _ = carry_out(SEARCHES[0], tmp_path)
    assert all(("model.pool" in values) == (values["model.head"] == "flatten") for _, values, _, _ in told)
    assert all(isinstance(values["model.units"], list) for _, values, _, _ in told)
    assert {values.get("model.pool") for _, values, _, _ in told} <= {None, 2, 3}


@pytest.mark.parametrize("kind", [Random, Grid, Bayesian])
def test_conditions_may_be_several_and_stand_on_each_other(kind: type[Search], tmp_path: Path) -> None:
    axes = (
        Axis("a", Choices(choices=("x", "y")), default="x"),
        Axis("b", Switch(boolean=True, when={"a": ("y",)}), default=None),
        Axis("c", Range(min=0.0, max=0.3, step=0.1, when={"b": (True,)}), default=None),
        Axis("d", Choices(choices=(1, 2), when={"a": ("y",), "b": (False,)}), default=None),
        Axis("e", Choices(choices=(None, {"f": [1]}), when={"d": (2,)}), default=None),
    )
    search = kind(objective="val_loss", max_trials=30, space={axis.path: axis.dimension for axis in axes})
    oracle = search.oracle(axes, 1, 3)
    oracle.open(tmp_path)
    found = []
    while (suggestion := oracle.ask()) is not None:
        oracle.tell(suggestion.name, float(len(found)))
        found.append(suggestion.values)
    expected = [
        {"a": "x"},
        *({"a": "y", "b": True, "c": value} for value in (0.0, 0.1, 0.2, 0.3)),
        {"a": "y", "b": False, "d": 1},
        {"a": "y", "b": False, "d": 2, "e": None},
        {"a": "y", "b": False, "d": 2, "e": {"f": [1]}},
    ]
    distinct = {json.dumps(values, sort_keys=True) for values in found}
    assert distinct <= {json.dumps(values, sort_keys=True) for values in expected}
    assert len(distinct) == 8 or kind is not Grid


def test_hyperband_goes_on_with_the_best_third_to_three_times_the_epochs(tmp_path: Path) -> None:
    told, _ = carry_out(SEARCHES[3], tmp_path)
    by_name = {name: (values, epochs, before) for name, values, epochs, before in told}
    carried = [(name, before) for name, (_, _, before) in by_name.items() if before]
    assert carried
    for name, before in carried:
        assert by_name[name][0] == by_name[before][0]
        assert by_name[name][1] == 3 * (by_name[before][1] or 0)
    assert {epochs for _, epochs, _ in by_name.values()} == {1, 3, 9}
    first = [score_of(values) for values, epochs, _ in by_name.values() if epochs == 1]
    promoted = [score_of(values) for values, epochs, before in by_name.values() if epochs == 3 and before]
    possible = sorted((score for score in first if score is not None), reverse=True)
    assert sorted((score or 0.0 for score in promoted), reverse=True) == possible[: len(promoted)]


@pytest.mark.parametrize("events", [10_000, 1, 2])
def test_hyperband_goes_on_in_a_space_too_small_for_its_brackets(events: int, tmp_path: Path) -> None:
    axes = (Axis("model.dropout", Choices(choices=(0.1, 0.2, 0.3, 0.4)), default=0.1),)
    search = Hyperband(objective="val_accuracy", max_epochs=9, space={axis.path: axis.dimension for axis in axes})
    told, ended = [], False
    while not ended:
        oracle = search.oracle(axes, 9, 1)
        waiting = oracle.open(tmp_path)
        for _ in range(events):
            suggestion = waiting.pop(0) if waiting else oracle.ask()
            ended = suggestion is None
            if suggestion is None:
                break
            oracle.tell(suggestion.name, suggestion.values["model.dropout"])
            told.append((suggestion.values["model.dropout"], suggestion.epochs))
    assert sorted(value for value, epochs in told if epochs == 1) == [0.1, 0.2, 0.3, 0.4]
    assert sorted(told[4:]) == [(0.3, 3), (0.4, 3), (0.4, 9)]


def test_hyperband_fills_its_brackets_when_most_trials_fail(tmp_path: Path) -> None:
    search = Hyperband(objective="val_loss", max_epochs=9, space=SPACE)
    oracle = search.oracle(AXES, 9, 1)
    oracle.open(tmp_path)
    epochs = []
    while (suggestion := oracle.ask()) is not None:
        epochs.append(suggestion.epochs)
        oracle.tell(suggestion.name, 1.0 if int(suggestion.name) % 4 == 0 else None)
    assert oracle.finished
    assert epochs.count(9) >= 3


def test_more_trials_may_be_asked_for_later(tmp_path: Path) -> None:
    short = Random(objective="val_loss", max_trials=3, space=SPACE)
    first, ended = carry_out(short, tmp_path)
    assert ended
    assert len(first) == 3
    more, _ = carry_out(Random(objective="val_loss", max_trials=12, space=SPACE), tmp_path)
    straight, _ = carry_out(Random(objective="val_loss", max_trials=12, space=SPACE), tmp_path / "straight")
    assert first + more == straight


@pytest.mark.slow
def test_bayesian_search_beats_random_search_on_a_known_surface(tmp_path: Path) -> None:
    """Branin's function, 25 trials, 10 seeds: the mean distance to its minimum, 0.3979, is smaller."""
    axes = (Axis("x", Range(min=-5.0, max=10.0)), Axis("y", Range(min=0.0, max=15.0)))
    space = {axis.path: axis.dimension for axis in axes}

    def branin(x: float, y: float) -> float:
        bowl = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
        return bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10

    def best(search: Search, seed: int) -> float:
        oracle = search.oracle(axes, 1, derive(seed, "tune"))
        oracle.open(tmp_path / f"{search.type}-{seed}")
        scores = []
        while (suggestion := oracle.ask()) is not None:
            scores.append(branin(**suggestion.values))
            oracle.tell(suggestion.name, scores[-1])
        assert len(scores) == 25
        return min(scores) - 0.397887

    results = {
        kind: [best(kind(objective="val_loss", max_trials=25, space=space), seed) for seed in range(10)]
        for kind in (Random, Bayesian)
    }
    assert np.mean(results[Bayesian]) < 0.2 * np.mean(results[Random])
    assert all(b < r for b, r in zip(results[Bayesian], results[Random], strict=True))
