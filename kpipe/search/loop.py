"""Loop: hands trials to workers, hears what becomes of them, and tells the oracle; in one thread, event by event."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from kpipe import runs
from kpipe.errors import SpecError
from kpipe.pipeline import Pipeline, with_values
from kpipe.runs import Run
from kpipe.search import record
from kpipe.search.carry_out import Task
from kpipe.search.frame import best_first
from kpipe.search.job import Job
from kpipe.search.state import State
from kpipe.search.trial import Trial
from kpipe.search.worker import Place, death
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

    def go(self, waiting: list[Suggestion]) -> None:
        """Until the oracle has no more, or time is over; ``waiting`` were begun before a crash."""
        self.until = self.clock() + 60 * (self.search.timeout_minutes or float("inf"))
        while True:
            self.listen()
            for place in range(len(self.places)):
                while place not in self.jobs:
                    suggestion = waiting.pop(0) if waiting else self.ask()
                    if suggestion is None:
                        break
                    self.begin(place, suggestion)
            if not self.jobs and not waiting and (self.oracle.finished or self.is_late):
                return
            self.pause()

    def run_all(self, jobs: Sequence[tuple[str, Pipeline]]) -> None:
        """Trainings that no oracle asked for."""
        left = [(name, pipeline) for name, pipeline in jobs if name not in self.trials]
        while left or self.jobs:
            self.listen()
            for place in range(len(self.places)):
                if place not in self.jobs and left:
                    name, pipeline = left.pop(0)
                    self.hand_over(place, Trial(name=name, values={}), pipeline, tells=False)
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
        ended = {trial.name: trial for trial in found if trial.status != "running"}
        for trial in ended.values():
            run = Run(self.state.folder(trial.name))
            self.trials[trial.name] = trial
            if run.record.status in ("RUNNING", "KILLED") or any(one.name == trial.name for one in suggestions):
                pipeline = self.state.pipeline(run) or self.pipeline
                job = Job(trial, pipeline, run, Journal(run.journal), self.search.metric, "")
                job.tells = trial.is_asked
                self.end(job, trial)
        self.best = best_of(self.trials.values(), self.search)
        return [suggestion for suggestion in suggestions if suggestion.name not in ended]

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
            self.end_without_job(trial, "refused", error.mistakes[0].message)
            return
        twin = self.twin(suggestion)
        if twin is not None:
            changes = {"status": "repeated", "message": f"the same as {twin.name}"}
            told = {name: getattr(twin, name) for name in ("score", "scores", "metrics", "curve", "epochs", "backend")}
            self.end(self.open(trial, pipeline), Trial.model_validate({**trial.model_dump(), **told, **changes}))
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
            trial = Trial.model_validate({**trial.model_dump(), "backend": pipeline.backend})
        self.state.write(trial)
        journal = record.begin_trial(run, trial, self.names, pipeline)
        monitor = f"val_{self.search.metric}"
        return Job(trial, pipeline or self.pipeline, run, journal, self.search.metric, monitor, clock=self.clock)

    def hand_over(self, place: int, trial: Trial, pipeline: Pipeline, tells: bool = True) -> None:
        job = self.open(trial, pipeline)
        job.tells = tells
        if trial.carries_on is not None:
            job.carries_on_from = str(self.state.folder(trial.carries_on))
        self.jobs[place] = job
        self.places[place].begin(task_of(job, self.search.executions_per_trial if tells else 1))
        for onlooker in self.onlookers:
            onlooker.on_begin(job.trial)

    # ---- while it runs

    def listen(self) -> None:
        """Hears all places, and ends what takes too long."""
        for number, place in enumerate(self.places):
            for event in place.events():
                job = self.jobs.get(number)
                if job is not None:
                    job.heard = self.clock()
                    self.hear(number, job, event)
            if number in self.jobs:
                self.look_at_the_clock(number, self.jobs[number])

    def hear(self, number: int, job: Job, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "data" and not event["execution"] and job.tells:
            self.state.check_fingerprint(job.pipeline, event["fingerprint"])
        elif kind == "epoch":
            job.take_epoch(event["execution"], event["row"])
            if not event["execution"]:
                self.judge(number, job)
            for onlooker in self.onlookers:
                onlooker.on_epoch(job.trial, event["row"]["epoch"], event["row"]["logs"].get(job.monitor))
        elif kind == "executed":
            job.take_execution(event["execution"], event["metrics"], event["history"])
        elif kind in ("done", "stopped", "refused"):
            message = event.get("message", "")
            if kind == "stopped":
                message = f"hopeless after epoch {max(job.curve, default=0)}: worse than the median of the others"
            self.close(number, job, job.ended(kind, message))
        elif kind == "failed":
            if event.get("broken", True):
                self.places[number].kill()
            self.close(number, job, job.ended("failed", event["message"]))
        elif kind == "died":
            self.bury(number, job, event)

    def bury(self, number: int, job: Job, event: Mapping[str, Any]) -> None:
        """A worker died without a word: its trial is taken up again, unless that goes on and on."""
        self.places[number].kill()
        job.deaths[job.epochs] = job.deaths.get(job.epochs, 0) + 1
        if job.deaths[job.epochs] < DEATHS:
            self.places[number].begin(task_of(job, self.search.executions_per_trial if job.tells else 1))
            return
        message = f"its worker {death(event['code'])}, {DEATHS} times in the same epoch"
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
        """The median rule: a trial whose best value so far is worse than the median of the others' means up to here."""
        rule = self.search.median_rule
        if rule is None or job.stopping or not job.tells or max(job.curve, default=0) < rule.warmup_epochs:
            return
        epoch = max(job.curve)
        others = [trial.curve[:epoch] for trial in self.trials.values() if trial.counts and len(trial.curve) >= epoch]
        if len(others) < rule.min_trials:
            return
        rising = (self.search.best if job.monitor == f"val_{self.search.metric}" else "min") == "max"
        best = (max if rising else min)(job.curve.values())
        median = statistics.median(sum(curve) / epoch for curve in others)
        if best < median if rising else best > median:
            job.stopping = True
            self.places[number].stop()

    # ---- after a trial

    def end_without_job(self, trial: Trial, status: str, message: str) -> None:
        ended = Trial.model_validate({**trial.model_dump(), "status": status, "message": message})
        self.end(self.open(trial, None), ended)

    def close(self, number: int, job: Job, trial: Trial) -> None:
        del self.jobs[number]
        self.end(job, trial)

    def end(self, job: Job, trial: Trial) -> None:
        """Writes down what became of a trial, then tells the oracle, then everybody else. May be done twice."""
        if not trial.ended:
            trial = trial.model_copy(update={"ended": 1 + max((one.ended for one in self.trials.values()), default=0)})
        self.state.write(trial)
        self.trials[trial.name] = trial
        self.idle = False
        if job.tells:
            self.oracle.tell(trial.name, trial.score)
            self.compare(job, trial)
        if self.search.type != "hyperband" or not job.tells:  # which may go on with any of them
            self.state.forget(job.run.checkpoints)
        record.end_trial(job.journal, trial)
        job.journal.close()
        asked_for = [one for one in self.trials.values() if one.is_asked]
        if job.tells:
            record.write_progress(self.journal, asked_for, self.best, self.names)
        for onlooker in self.onlookers:
            onlooker.on_end(trial, self.best)

    def compare(self, job: Job, trial: Trial) -> None:
        """Keeps the model of the best trial, and of no other."""
        before, self.best = self.best, best_of(self.trials.values(), self.search)
        if self.best is trial:
            self.state.crown(trial, job.pipeline, self.search.objective)
            if before is not None and before.name != trial.name:
                self.state.forget(Run(self.state.folder(before.name)).model)
        elif self.best is None or self.best.name != trial.name:
            self.state.forget(job.run.model)


def best_of(trials: Iterable[Trial], search: Search) -> Trial | None:
    """The best of those that count; of equal ones the first."""
    counting = [trial for trial in trials if trial.counts and trial.is_asked]
    return best_first(counting, search.best)[0] if counting else None


def trial_pipeline(pipeline: Pipeline, suggestion: Suggestion, search: Search) -> Pipeline:
    """The pipeline with a trial's values, and with the epochs that the search gives it. Raises: SpecError."""
    found = with_values(pipeline, suggestion.values)
    last = len(found.train) - 1
    if suggestion.epochs is not None:
        whole = whole_epochs(found, search)
        paused = suggestion.epochs if suggestion.epochs < whole else None
        return with_values(found, {f"train.{last}.epochs": whole, f"train.{last}.stop_after": paused})
    most = search.max_epochs
    epochs = {f"train.{number}.epochs": dict(method).get("epochs") for number, method in enumerate(found.train)}
    capped = {path: most for path, number in epochs.items() if most is not None and number and number > most}
    return with_values(found, capped) if capped else found


def whole_epochs(pipeline: Pipeline, search: Search) -> int:
    """The epochs of a whole training of the last stage."""
    own: int = dict(pipeline.train[-1])["epochs"]
    return search.max_epochs or own


def task_of(job: Job, executions: int) -> Task:
    """A job as a worker takes it."""
    assert job.pipeline.backend is not None
    return Task(
        name=job.trial.name,
        folder=str(job.run.folder),
        pipeline=job.pipeline.model_dump(mode="json"),
        backend=job.pipeline.backend,
        metric=job.metric,
        executions=executions,
        goes_on_from=job.carries_on_from,
    )
