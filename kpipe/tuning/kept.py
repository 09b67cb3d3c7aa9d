"""Kept: KerasTuner's oracles with a state on disk that is always whole.

What KerasTuner leaves open is mended here: its files are written whole or not at all, and so that a crash between two
of them loses nothing; grid and Bayesian search remember what they need to go on exactly; a trial that failed counts as
a little worse than the worst, so that Hyperband's brackets fill and Bayesian search learns to stay away.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_tuner.engine import trial as trials
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)
from typing_extensions import override

from kpipe.files import write_atomic


class Kept:
    """Mixed into KerasTuner's oracles: a state on disk that is always whole."""

    failed: set[str]
    trials: dict[str, Any]
    objective: Any
    folder: Path
    changed: dict[str, Any]
    held = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.failed = set()

    @contextmanager
    def one_event(self) -> Iterator[None]:
        """Writes what changed at its end: the trials first, then the oracle, which says which of them there are."""
        self.held, self.changed = True, {}
        try:
            yield
        finally:
            self.held = False
        for name, trial in self.changed.items():
            place = self.folder / f"trial_{name}"
            place.mkdir(exist_ok=True)
            write_atomic(place / "trial.json", json.dumps(trial.get_state()))
        self.save()

    def save(self) -> None:
        if not self.held:
            write_atomic(self.folder / "oracle.json", json.dumps(self.get_state()))

    def _save_trial(self, trial: Any) -> None:
        self.changed[trial.trial_id] = trial

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "failed": sorted(self.failed)}  # type: ignore[misc]

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)  # type: ignore[misc]
        self.failed = set(state["failed"])

    def score_trial(self, trial: Any) -> None:
        super().score_trial(trial)  # type: ignore[misc]
        self.penalise()

    def penalise(self) -> None:
        """Scores the failed as a little worse than the worst; 0 where nothing has succeeded yet."""
        rising = self.objective.direction == "max"
        scores = [
            trial.score
            for name, trial in self.trials.items()
            if trial.status == "COMPLETED" and name not in self.failed
        ]
        worst = (min if rising else max)(scores, default=0.0)
        for name in self.failed:
            self.trials[name].score = math.nextafter(worst, -math.inf if rising else math.inf)


class KeptRandom(Kept, RandomSearchOracle):  # type: ignore[misc]
    pass


class KeptHyperband(Kept, HyperbandOracle):  # type: ignore[misc]
    """Goes on with what there is where the space has too few to fill a bracket; KerasTuner would promote none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.first_rounds: dict[str, int] = {}
        """by bracket: how many trials its first round has, where the space has no more"""
        super().__init__(*args, **kwargs)

    @override
    def _random_trial(self, trial_id: str, bracket: dict[str, Any]) -> Any:
        found = super()._random_trial(trial_id, bracket)
        if found["status"] == trials.TrialStatus.RUNNING:
            return found
        self.first_rounds[str(bracket["bracket_num"])] = len(bracket["rounds"][0])
        return self.populate_space(trial_id)

    @override
    def _get_size(self, bracket_num: int, round_num: int) -> int:
        first = self.first_rounds.get(str(bracket_num))
        return int(super()._get_size(bracket_num, round_num)) if first is None else -(-first // self.factor**round_num)

    @override
    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "first_rounds": self.first_rounds}

    @override
    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.first_rounds = state["first_rounds"]


class KeptGrid(Kept, GridSearchOracle):  # type: ignore[misc]
    """Remembers the order of its trials, too (KerasTuner's issue 1055)."""

    @override
    def get_state(self) -> dict[str, Any]:
        ordered = self._ordered_ids
        order = {"ids": ordered._memory, "next": list(ordered._next_index.items()), "last": ordered._last_index}
        return {**super().get_state(), "order": order, "populate_next": self._populate_next}

    @override
    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        order, ordered = state["order"], self._ordered_ids
        ordered._memory, ordered._last_index = order["ids"], order["last"]
        ordered._data_to_index = {name: place for place, name in enumerate(order["ids"])}
        ordered._next_index.update(dict(order["next"]))
        self._populate_next = state["populate_next"]


class KeptBayesian(Kept, BayesianOptimizationOracle):  # type: ignore[misc]
    """Remembers where its random numbers are, too."""

    @override
    def get_state(self) -> dict[str, Any]:
        name, keys, *rest = self._random_state.get_state()
        return {**super().get_state(), "random_state": [name, keys.tolist(), *rest]}

    @override
    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self._random_state.set_state(state["random_state"])
