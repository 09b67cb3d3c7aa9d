"""Senders: a run's way into MLflow, and of a search those of all its trials, through one client."""

from __future__ import annotations

import time

from kpipe.runs import TRIALS, Run
from kpipe.tracking.sender import Sender

RETRY_SECONDS = 30.0


class Senders:
    """The sender of a run, and one for each of its trials, from the moment on that the trial's journal is there."""

    def __init__(self, run: Run) -> None:
        self.first = Sender(run)
        self.trials: dict[str, Sender] = {}

    @property
    def all(self) -> list[Sender]:
        """The run's own, then those of its trials in order."""
        place = self.first.run.folder / TRIALS
        for number in {folder.name for folder in place.iterdir()} - set(self.trials) if place.exists() else ():
            trial = Run(place / number)
            if trial.journal.exists() and trial.is_readable:
                self.trials[number] = Sender(trial)
        return [self.first, *(self.trials[name] for name in sorted(self.trials))]

    @property
    def behind(self) -> bool:
        """MLflow was not told everything."""
        return any(sender.behind for sender in self.all)

    @property
    def skipped(self) -> int:
        """How many events MLflow refused."""
        return sum(sender.sent.skipped for sender in self.all)

    def open(self) -> None:
        """Makes the run known to MLflow. Raises: TrackingError: MLflow refuses or does not answer."""
        self.first.open()

    def send(self, at_once: bool = False) -> str | None:
        """Sends all that is new, ``at_once`` also what just failed. Returns why it could not, or None.

        A trial that was deleted in MLflow does not stop the others; a server that is gone is asked once, not for each.
        """
        why = None
        for sender in self.all:
            if not sender.behind or (not at_once and time.monotonic() < sender.next_try):
                continue
            failed = sender.send(under=self.first)
            sender.next_try = time.monotonic() + RETRY_SECONDS if failed else 0.0
            why = why or failed
            if failed and self.trials and not self._answers():
                for other in self.all:
                    other.next_try = sender.next_try
                break
        return why

    def _answers(self) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            self.first.client.get_experiment(self.first.sent.experiment_id)
        except (MlflowException, OSError):
            return False
        return True
