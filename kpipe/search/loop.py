"""Loop: hands trials to workers, hears what becomes of them, and tells the oracle; in one thread, event by event."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kpipe.errors import SpecError, WrongInput
from kpipe.pipeline import Pipeline
from kpipe.process import death
from kpipe.search.job import Job
from kpipe.search.ledger import Ledger
from kpipe.search.median import is_hopeless
from kpipe.search.trial import Status, Trial
from kpipe.search.trial_pipeline import trial_pipeline
from kpipe.search.worker import Place
from kpipe.spec.mistake import dotted

if TYPE_CHECKING:
    from kpipe.tuning.oracle import Suggestion

POLL_SECONDS = 0.02
SILENT_MINUTES = 30.0
"""A trial that gives no sign of life for so long has failed."""
DEATHS = 4
"""A trial whose worker dies so often without a word in the same epoch has failed; until then it is taken up again."""


@dataclass
class Loop:
    """A search while it goes on."""

    ledger: Ledger
    places: Sequence[Place]
    clock: Callable[[], float] = time.monotonic
    jobs: dict[int, Job] = field(default_factory=dict)
    """by the number of the place"""
    idle: bool = False
    """the oracle waits for a trial to end"""
    until: float = float("inf")
    """when no trial begins any more, by the clock"""

    def go(self, waiting: Sequence[Suggestion]) -> None:
        """Until the oracle has no more, or time is over; ``waiting`` were begun before a crash."""
        self.until = self.clock() + 60 * (self.ledger.search.timeout_minutes or float("inf"))
        left = list(waiting)
        while True:
            self.listen()
            for place in range(len(self.places)):
                if place not in self.jobs and (suggestion := left.pop(0) if left else self.ask()):
                    self.begin(place, suggestion)
            if not self.jobs and not left and (self.ledger.oracle.finished or self.is_late):
                break
            self.pause()
        self.ledger.show_progress()

    def run_all(self, jobs: Sequence[tuple[str, Pipeline]]) -> None:
        """Trainings that no oracle asked for."""
        left = [(name, pipeline) for name, pipeline in jobs if name not in self.ledger.trials]
        while left or self.jobs:
            self.listen()
            for place in range(len(self.places)):
                if place not in self.jobs and left:
                    name, pipeline = left.pop(0)
                    self.hand_over(place, Trial(name=name, values={}), pipeline)
            self.pause()

    def pause(self) -> None:
        for onlooker in self.ledger.onlookers:
            onlooker.on_wait()
        time.sleep(POLL_SECONDS)

    @property
    def is_late(self) -> bool:
        return self.clock() > self.until

    def ask(self) -> Suggestion | None:
        if self.ledger.oracle.finished or self.is_late or self.idle:
            return None
        suggestion = self.ledger.oracle.ask()
        self.idle = suggestion is None
        return suggestion

    # ---- before a trial

    def begin(self, place: int, suggestion: Suggestion) -> None:
        """Hands a trial to a worker, or ends it where there is nothing to do."""
        trial = Trial(name=suggestion.name, values=suggestion.values, carries_on=suggestion.carries_on)
        before = self.ledger.trials.get(suggestion.carries_on or "")
        if before is not None and before.score is None:
            self.end_without_job(trial, "failed", f"it goes on with {before.name}, which has {before.status}")
            return
        try:
            pipeline = trial_pipeline(self.ledger.pipeline, suggestion, self.ledger.search)
        except SpecError as error:
            mistake = error.mistakes[0]
            self.end_without_job(trial, "refused", f"{dotted(mistake.path)}: {mistake.message}")
            return
        twin = self.ledger.twin(suggestion)
        if twin is not None:
            told = {name: getattr(twin, name) for name in ("score", "scores", "metrics", "curve", "epochs", "backend")}
            ended = trial.but(**told, status="repeated", message=f"the same as {twin.name}")
            self.end(self.ledger.open(trial, pipeline, self.clock), ended)
            return
        self.hand_over(place, trial, pipeline)

    def hand_over(self, place: int, trial: Trial, pipeline: Pipeline) -> None:
        job = self.jobs[place] = self.ledger.open(trial, pipeline, self.clock)
        self.places[place].begin(job.task)
        for onlooker in self.ledger.onlookers:
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
            self.ledger.state.check_fingerprint(job.pipeline, event["fingerprint"])
        elif kind == "unusable" and not any(path.startswith("data") for path in job.trial.values):
            raise WrongInput(event["message"], event["hint"])  # no trial will do better
        elif kind == "epochs":
            for row in event["rows"]:
                job.take_epoch(event["execution"], row)
        elif kind == "epoch":
            job.take_epoch(event["execution"], event["row"])
            if not event["execution"] and job.trial.is_asked:
                self.judge(number, job)
            for onlooker in self.ledger.onlookers:
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
        limit = self.ledger.search.trial_timeout_minutes
        late = limit is not None and job.seconds > 60 * limit
        if not late and self.clock() - job.heard < 60 * SILENT_MINUTES:
            return
        self.places[number].kill()
        message = f"took longer than {limit:g} minutes" if late else f"no sign of life for {SILENT_MINUTES:g} minutes"
        self.close(number, job, job.ended("failed", message))

    def judge(self, number: int, job: Job) -> None:
        """Stops a hopeless trial; the word arrives an epoch or more later."""
        search, others = self.ledger.search, self.ledger.trials.values()
        direction = search.best if job.monitor == f"val_{search.metric}" else "min"
        if search.median_rule and not job.stopping and is_hopeless(job.curve, others, search.median_rule, direction):
            job.stopping = True
            self.places[number].stop()

    # ---- after a trial

    def end_without_job(self, trial: Trial, status: Status, message: str) -> None:
        self.end(self.ledger.open(trial, None, self.clock), trial.but(status=status, message=message))

    def close(self, number: int, job: Job, trial: Trial) -> None:
        del self.jobs[number]
        self.end(job, trial)

    def end(self, job: Job, trial: Trial) -> None:
        self.ledger.end(job, trial)
        self.idle = False
