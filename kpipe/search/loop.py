"""Loop: hands trials to workers, hears what becomes of them, and tells the oracle; in one thread, event by event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from kpipe import runs
from kpipe.errors import SpecError, WrongInput
from kpipe.pipeline import Pipeline
from kpipe.runs import Run
from kpipe.search import record
from kpipe.search.frame import best_first
from kpipe.search.job import Job
from kpipe.search.median import is_hopeless
from kpipe.search.state import State
from kpipe.search.trial import Status, Trial
from kpipe.search.trial_pipeline import trial_pipeline
from kpipe.search.worker import Place, death
from kpipe.spec.mistake import dotted
from kpipe.tracking.journal import Journal
from kpipe.tuning.search import Search

if TYPE_CHECKING:
    from kpipe.tuning.oracle import Oracle, Suggestion

POLL_SECONDS = 0.02
SILENT_MINUTES = 30.0
"""A trial that gives no sign of life for so long has failed."""
DEATHS = 4
"""A trial whose worker dies so often without a word in the same epoch has failed; until then it is taken up again."""


class Onlooker(Protocol):
    """Somebody who looks on while a search goes on: the table in the terminal."""

    def on_restore(self, trials: Sequence[Trial], best: Trial | None) -> None:
        """The search goes on; these have ended before."""

    def on_begin(self, trial: Trial) -> None:
        """A trial begins, or goes on after its worker died."""

    def on_epoch(self, trial: Trial, epoch: int, value: float | None) -> None:
        """An epoch has ended; ``value`` is what the objective's curve says."""

    def on_end(self, trial: Trial, best: Trial | None) -> None:
        """A trial has ended."""

    def on_wait(self) -> None:
        """Time goes by."""


@dataclass
class Loop:
    """A search while it goes on."""

    state: State
    search: Search
    pipeline: Pipeline
    """with the engine and the threads of every trial, without `tune`"""
    oracle: Oracle
    places: Sequence[Place]
    journal: Journal
    names: Mapping[str, str]
    onlookers: Sequence[Onlooker] = ()
    clock: Callable[[], float] = time.monotonic
    trials: dict[str, Trial] = field(default_factory=dict)
    """those that have ended"""
    jobs: dict[int, Job] = field(default_factory=dict)
    """by the number of the place"""
    best: Trial | None = None
    idle: bool = False
    """the oracle waits for a trial to end"""
    until: float = float("inf")
    """when no trial begins any more, by the clock"""

    def go(self, waiting: Sequence[Suggestion]) -> None:
        """Until the oracle has no more, or time is over; ``waiting`` were begun before a crash."""
        self.until = self.clock() + 60 * (self.search.timeout_minutes or float("inf"))
        left = list(waiting)
        while True:
            self.listen()
            for place in range(len(self.places)):
                if place not in self.jobs and (suggestion := left.pop(0) if left else self.ask()):
                    self.begin(place, suggestion)
            if not self.jobs and not left and (self.oracle.finished or self.is_late):
                break
            self.pause()
        self.show_progress()

    def run_all(self, jobs: Sequence[tuple[str, Pipeline]]) -> None:
        """Trainings that no oracle asked for."""
        left = [(name, pipeline) for name, pipeline in jobs if name not in self.trials]
        while left or self.jobs:
            self.listen()
            for place in range(len(self.places)):
                if place not in self.jobs and left:
                    name, pipeline = left.pop(0)
                    self.hand_over(place, Trial(name=name, values={}), pipeline)
            self.pause()

    def pause(self) -> None:
        for onlooker in self.onlookers:
            onlooker.on_wait()
        time.sleep(POLL_SECONDS)

    @property
    def is_late(self) -> bool:
        return self.clock() > self.until

    def ask(self) -> Suggestion | None:
        if self.oracle.finished or self.is_late or self.idle:
            return None
        suggestion = self.oracle.ask()
        self.idle = suggestion is None
        return suggestion

    # ---- before a trial

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

    def begin(self, place: int, suggestion: Suggestion) -> None:
        """Hands a trial to a worker, or ends it where there is nothing to do."""
        trial = Trial(name=suggestion.name, values=suggestion.values, carries_on=suggestion.carries_on)
        before = self.trials.get(suggestion.carries_on or "")
        if before is not None and before.score is None:
            self.end_without_job(trial, "failed", f"it goes on with {before.name}, which has {before.status}")
            return
        try:
            pipeline = trial_pipeline(self.pipeline, suggestion, self.search)
        except SpecError as error:
            mistake = error.mistakes[0]
            self.end_without_job(trial, "refused", f"{dotted(mistake.path)}: {mistake.message}")
            return
        twin = self.twin(suggestion)
        if twin is not None:
            told = {name: getattr(twin, name) for name in ("score", "scores", "metrics", "curve", "epochs", "backend")}
            ended = trial.but(**told, status="repeated", message=f"the same as {twin.name}")
            self.end(self.open(trial, pipeline), ended)
            return
        self.hand_over(place, trial, pipeline)

    def twin(self, suggestion: Suggestion) -> Trial | None:
        """A trial that is done with the same values: it would give the same again. Hyperband trains on, so has none."""
        if suggestion.epochs is not None:
            return None
        same = (trial for trial in self.trials.values() if trial.values == suggestion.values)
        return next((trial for trial in same if trial.counts), None)

    def open(self, trial: Trial, pipeline: Pipeline | None) -> Job:
        """The trial's folder and journal."""
        run = runs.create_trial(self.state.run, trial.name)
        if pipeline is not None:
            self.state.write_pipeline(run, pipeline)
            trial = trial.but(backend=pipeline.backend)
        self.state.write(trial)
        journal = record.begin_trial(run, trial, self.names, pipeline)
        executions = self.search.executions_per_trial if trial.is_asked else 1
        job = Job(trial, pipeline or self.pipeline, run, journal, self.search.metric, executions, self.clock)
        if trial.carries_on is not None:
            job.carries_on = str(self.state.folder(trial.carries_on))
        return job

    def hand_over(self, place: int, trial: Trial, pipeline: Pipeline) -> None:
        job = self.jobs[place] = self.open(trial, pipeline)
        self.places[place].begin(job.task)
        for onlooker in self.onlookers:
            onlooker.on_begin(job.trial)

    # ---- while it runs

    def listen(self) -> None:
        """Hears all places, and ends what takes too long."""
        for number, place in enumerate(self.places):
            for event in place.events():
                job = self.jobs.get(number)
                if job is not None and event.get("trial", job.trial.name) == job.trial.name:
                    job.heard = self.clock()
                    self.hear(number, job, event)
            if number in self.jobs:
                self.look_at_the_clock(number, self.jobs[number])

    def hear(self, number: int, job: Job, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "data" and not event["execution"] and job.trial.is_asked:
            self.state.check_fingerprint(job.pipeline, event["fingerprint"])
        elif kind == "unusable" and not any(path.startswith("data") for path in job.trial.values):
            raise WrongInput(event["message"], event["hint"])  # no trial will do better
        elif kind == "epochs":
            for row in event["rows"]:
                job.take_epoch(event["execution"], row)
        elif kind == "epoch":
            job.take_epoch(event["execution"], event["row"])
            if not event["execution"] and job.trial.is_asked:
                self.judge(number, job)
            for onlooker in self.onlookers:
                onlooker.on_epoch(job.trial, event["row"]["epoch"], event["row"]["logs"].get(job.monitor))
        elif kind == "executed":
            job.executed[event["execution"]] = event["metrics"]
        elif kind == "done":
            self.close(number, job, job.ended("done"))
        elif kind == "stopped":
            message = f"hopeless after epoch {max(job.curve, default=0)}: worse than the median of the others"
            self.close(number, job, job.ended("stopped", message))
        elif kind in ("refused", "unusable"):
            self.close(number, job, job.ended("refused", event["message"]))
        elif kind == "failed":
            if event["broken"]:
                self.places[number].kill()
            self.close(number, job, job.ended("failed", event["message"]))
        elif kind == "died":
            self.bury(number, job, event["code"])

    def bury(self, number: int, job: Job, code: int) -> None:
        """A worker died without a word: its trial is taken up again, unless that goes on and on."""
        self.places[number].kill()
        job.deaths += 1
        if job.deaths < DEATHS:
            self.places[number].begin(job.task)
            return
        message = f"its worker {death(code)}, {DEATHS} times in the same epoch"
        self.close(number, job, job.ended("failed", message))

    def look_at_the_clock(self, number: int, job: Job) -> None:
        limit = self.search.trial_timeout_minutes
        late = limit is not None and job.seconds > 60 * limit
        if not late and self.clock() - job.heard < 60 * SILENT_MINUTES:
            return
        self.places[number].kill()
        message = f"took longer than {limit:g} minutes" if late else f"no sign of life for {SILENT_MINUTES:g} minutes"
        self.close(number, job, job.ended("failed", message))

    def judge(self, number: int, job: Job) -> None:
        """Stops a hopeless trial; the word arrives an epoch or more later."""
        rule = self.search.median_rule
        direction = self.search.best if job.monitor == f"val_{self.search.metric}" else "min"
        if rule is not None and not job.stopping and is_hopeless(job.curve, self.trials.values(), rule, direction):
            job.stopping = True
            self.places[number].stop()

    # ---- after a trial

    def end_without_job(self, trial: Trial, status: Status, message: str) -> None:
        self.end(self.open(trial, None), trial.but(status=status, message=message))

    def close(self, number: int, job: Job, trial: Trial) -> None:
        del self.jobs[number]
        self.end(job, trial)

    def end(self, job: Job, trial: Trial) -> None:
        """Writes down what became of a trial, then tells the oracle, then everybody else. May be done twice."""
        if not trial.ended:
            trial = trial.but(ended=1 + max((one.ended for one in self.trials.values()), default=0))
        self.state.write(trial)
        self.trials[trial.name] = trial
        self.idle = False
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
