"""Ledger: what has become of the trials of a search: on disk first, then told to the oracle, then to everybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kpipe import runs
from kpipe.errors import WrongInput
from kpipe.pipeline import Pipeline
from kpipe.runs import Run
from kpipe.search import record
from kpipe.search.frame import best_first
from kpipe.search.job import Job
from kpipe.search.onlooker import Onlooker
from kpipe.search.state import State
from kpipe.search.trial import Trial
from kpipe.tracking.journal import Journal
from kpipe.tuning.search import Search

if TYPE_CHECKING:
    from kpipe.tuning.oracle import Oracle, Suggestion


@dataclass
class Ledger:
    """The trials that have ended, and the best of them."""

    state: State
    search: Search
    pipeline: Pipeline
    """with the engine and the threads of every trial, without `tune`"""
    oracle: Oracle
    journal: Journal
    names: Mapping[str, str]
    onlookers: Sequence[Onlooker] = ()
    trials: dict[str, Trial] = field(default_factory=dict)
    best: Trial | None = None

    def restore(self, suggestions: Sequence[Suggestion]) -> list[Suggestion]:
        """Takes up the trials on disk; of those that the oracle waits for, the ones that are still to be run.

        Where a crash came in the middle of a trial's end, the rest of the end is done now.
        """
        found = sorted(self.state.trials().values(), key=lambda trial: trial.ended)
        self.trials = {trial.name: trial for trial in found if trial.status != "running"}
        self.require_whole()
        self.best = best_of(self.trials.values(), self.search)
        asked_for = {suggestion.name for suggestion in suggestions}
        for onlooker in self.onlookers:
            onlooker.on_restore(list(self.trials.values()), self.best)
        for trial in list(self.trials.values()):
            run = Run(self.state.folder(trial.name))
            if run.record.status in ("RUNNING", "KILLED") or trial.name in asked_for:
                pipeline = self.state.pipeline(run) or self.pipeline
                self.end(Job(trial, pipeline, run, Journal(run.journal), self.search.metric), trial)
        return [suggestion for suggestion in suggestions if suggestion.name not in self.trials]

    def require_whole(self) -> None:
        """Raises: WrongInput: files are gone, of the oracle's or of a trial's; no crash leaves that behind."""
        here = {name for name, trial in self.trials.items() if trial.is_asked}
        gone = sorted(self.oracle.told - here)
        if not gone and here <= self.oracle.known:
            return
        place = self.state.folder(gone[0]) / "trial.json" if gone else self.state.oracle
        raise WrongInput(f"{place} is gone", "bring it back, or start anew with --fresh")

    def twin(self, suggestion: Suggestion) -> Trial | None:
        """A trial that is done with the same values: it would give the same again. Hyperband trains on, so has none."""
        if suggestion.epochs is not None:
            return None
        same = (trial for trial in self.trials.values() if trial.values == suggestion.values)
        return next((trial for trial in same if trial.counts), None)

    def open(self, trial: Trial, pipeline: Pipeline | None, clock: Callable[[], float]) -> Job:
        """The trial's folder and journal."""
        run = runs.create_trial(self.state.run, trial.name)
        if pipeline is not None:
            self.state.write_pipeline(run, pipeline)
            trial = trial.but(backend=pipeline.backend)
        self.state.write(trial)
        journal = record.begin_trial(run, trial, self.names, pipeline)
        executions = self.search.executions_per_trial if trial.is_asked else 1
        job = Job(trial, pipeline or self.pipeline, run, journal, self.search.metric, executions, clock)
        if trial.carries_on is not None:
            job.carries_on = str(self.state.folder(trial.carries_on))
        return job

    def end(self, job: Job, trial: Trial) -> None:
        """Writes down what became of a trial, then tells the oracle, then everybody else. May be done twice."""
        if not trial.ended:
            trial = trial.but(ended=1 + max((one.ended for one in self.trials.values()), default=0))
        self.state.write(trial)
        self.trials[trial.name] = trial
        if trial.is_asked:
            self.oracle.tell(trial.name, trial.score)
            self.best = best_of(self.trials.values(), self.search)
        self.keep_the_best_model(job, trial)
        if self.search.type != "hyperband" or not trial.is_asked:  # which may go on with any of them
            self.state.forget(job.run.checkpoints)
        record.end_trial(job.journal, trial)
        job.journal.close()
        self.show_progress()
        for onlooker in self.onlookers:
            onlooker.on_end(trial, self.best)

    def keep_the_best_model(self, job: Job, trial: Trial) -> None:
        """The best trial's model stays, and no other's."""
        if self.best is None or self.best.name != trial.name:
            self.state.forget(job.run.model)
            return
        self.state.crown(trial, job.pipeline, self.search.objective)
        for name in self.trials:
            if name != trial.name:
                self.state.forget(Run(self.state.folder(name)).model)

    def show_progress(self) -> None:
        """How far the search has come; written once for each number of trials."""
        asked_for = [trial for trial in self.trials.values() if trial.is_asked]
        record.write_progress(self.journal, asked_for, self.best, self.names)


def best_of(trials: Iterable[Trial], search: Search) -> Trial | None:
    """The best of those that count; of equal ones the first."""
    counting = [trial for trial in trials if trial.counts and trial.is_asked]
    return best_first(counting, search.best)[0] if counting else None
