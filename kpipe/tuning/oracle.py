"""Oracle: KerasTuner's oracles, asked and told in one process.

With kept.py and parameters.py it is all that kpipe knows of KerasTuner.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras_tuner
from keras_tuner.engine import trial as trials

from kpipe.errors import WrongInput
from kpipe.tuning.kept import Kept
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
