"""Oracle: KerasTuner's oracles, asked and told in one process.

With parameters.py it is all that kpipe knows of KerasTuner.

What KerasTuner leaves open is mended here: its files are written whole or not at all, and so that a crash between two
of them loses nothing; grid and Bayesian search remember what they need to go on exactly; a trial that failed counts as
a little worse than the worst, so that Hyperband's brackets fill and Bayesian search learns to stay away.
"""

from __future__ import annotations

import json
import math
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras_tuner
from keras_tuner.engine import trial as trials
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)
from typing_extensions import override

from kpipe.errors import WrongInput
from kpipe.files import write_atomic
from kpipe.tuning.parameters import decode, parameters
from kpipe.tuning.search import Direction
from kpipe.tuning.space import Axis

OBJECTIVE = "objective"


class Suggestion(NamedTuple):
    """A trial to run: its name, its values by path, and of Hyperband how far to train and what to go on from."""

    name: str
    values: dict[str, Any]
    epochs: int | None = None
    carries_on: str | None = None


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


class Oracle:
    """Says which trial is next, and is told what became of it. Every answer and every word is on disk at once."""

    def __init__(self, inner: Any, axes: Sequence[Axis]) -> None:
        self.inner, self.axes = inner, {axis.path: axis for axis in axes}
        self.inner.verbose = 0
        self.finished = False
        """nothing more will be asked for"""

    def open(self, folder: Path) -> list[Suggestion]:
        """Keeps the state in ``folder`` from now on, or goes on with the one there: the trials not told of yet."""
        folder.mkdir(parents=True, exist_ok=True)
        self.inner.folder = folder
        self.inner._set_project_dir(str(folder.parent), folder.name)
        path = folder / "oracle.json"
        try:
            state = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        except ValueError as error:
            hint = "bring it back, or start anew with --fresh"
            raise WrongInput(f"{path}: not the state of a search: {error}", hint) from error
        for place in folder.glob("trial_*"):
            if place.name.removeprefix("trial_") not in state.get("start_order", ()):
                shutil.rmtree(place)  # a crash came before the oracle knew of it
        if not state:
            return []
        self.inner.reload()
        waiting, self.inner._retry_queue = sorted(self.inner._retry_queue), []
        for name in waiting:
            self.inner.trials[name].status = trials.TrialStatus.RUNNING
            self.inner.ongoing_trials[name] = self.inner.trials[name]
        return [self.suggestion(self.inner.trials[name]) for name in waiting]

    def ask(self) -> Suggestion | None:
        """The next trial; None where there is none now, or, when ``finished``, ever."""
        from threadpoolctl import threadpool_limits

        with self.quiet(), threadpool_limits(1), self.inner.one_event():
            self.inner.penalise()
            trial = self.inner.create_trial(f"trial {len(self.inner.trials)}")
        self.finished = trial.status == trials.TrialStatus.STOPPED
        return self.suggestion(trial) if trial.status == trials.TrialStatus.RUNNING else None

    def tell(self, name: str, score: float | None) -> None:
        """``score`` is the objective, or None of a trial that failed. To tell the same again changes nothing."""
        trial = self.inner.trials[self.id_of(name)]
        if trial not in self.inner.ongoing_trials.values():
            return
        if score is None:
            self.inner.failed.add(trial.trial_id)
        with self.quiet(), self.inner.one_event():
            trial.metrics = type(trial.metrics)()
            self.inner.update_trial(trial.trial_id, {OBJECTIVE: 0.0 if score is None else score})
            trial.status = trials.TrialStatus.COMPLETED
            self.inner.end_trial(trial)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Without KerasTuner's deprecated calls and what scikit-learn says of a fit on a handful of points."""
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield

    @property
    def known(self) -> set[str]:
        """The trials that it gave out."""
        return {name_of(trial) for trial in self.inner.start_order}

    @property
    def told(self) -> set[str]:
        """Those whose end it was told of."""
        return {name_of(trial) for trial in self.inner.end_order}

    def id_of(self, name: str) -> str:
        """KerasTuner's name of a trial, whose width depends on how many there may be."""
        return str(next(known for known in self.inner.trials if int(known) == int(name)))

    def suggestion(self, trial: Any) -> Suggestion:
        values = trial.hyperparameters.values
        found = {path: decode(axis, values[path]) for path, axis in self.axes.items() if path in values}
        before = values.get("tuner/trial_id")
        return Suggestion(
            name_of(trial.trial_id), found, values.get("tuner/epochs"), name_of(before) if before is not None else None
        )


def name_of(trial_id: str) -> str:
    return f"{int(trial_id):02d}"


def make(
    kind: type[Kept], axes: Sequence[Axis], direction: Direction, seed: int, max_trials: int | None, **more: Any
) -> Oracle:
    """An oracle of this kind; a seed of 0 KerasTuner would draw by chance."""
    objective = keras_tuner.Objective(OBJECTIVE, direction)
    inner: Any = kind(
        objective=objective, hyperparameters=parameters(axes), seed=seed or 1, tune_new_entries=False, **more
    )
    inner.max_trials = max_trials
    return Oracle(inner, axes)
