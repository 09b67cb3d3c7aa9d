"""Tracking: the training process's side, which starts the sender and at the end waits for it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpipe import finding, runs
from kpipe.errors import TrackingError
from kpipe.runs import LOCAL, Run, Status
from kpipe.tracking import store
from kpipe.tracking.senders import Senders

READY_SECONDS = 90.0
CLOSE_SECONDS = 60.0


@dataclass(frozen=True)
class Outcome:
    """How a run's way into MLflow ended; ``message`` says in one line what is missing and what to do."""

    run: str
    sent: bool
    message: str = ""

    def __str__(self) -> str:
        return self.message or f"{self.run}: MLflow has everything"


def unsent(run: Run, why: str) -> Outcome:
    kept = f"MLflow does not have all of {run.name} ({why}): kept on disk, send it with: kpipe sync {run.name}"
    return Outcome(run.name, sent=False, message=kept)


class Tracking:
    """The side of the training process: starts the sender, and at the end waits for it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.process = self._spawn()
        self.refused = ""
        self._heard = b""

    @classmethod
    def start(cls, run: Run) -> Tracking:
        """Starts the sender of ``run`` and returns at once."""
        if run.record.tracking_uri is None:
            run.update(tracking_uri=store.chosen())
        return cls(run)

    def ready(self) -> None:
        """Waits until a server has the run; for the local store, which cannot be out of reach, nobody waits.

        Raises: TrackingError: MLflow refuses, does not answer, or the sender broke.
        """
        self.wait(0.0 if self.run.record.tracking_uri == LOCAL else READY_SECONDS)

    def wait(self, seconds: float = READY_SECONDS) -> str:
        """The run's id in MLflow as soon as it has one, empty when that takes longer than ``seconds``.

        Raises: TrackingError: as ``ready``.
        """
        said = self._hear(seconds)
        if "ready" in said:
            self.run.update(mlflow_run_id=said["ready"])
            return str(said["ready"])
        if not said and seconds < READY_SECONDS:
            return ""
        self.process.kill()
        self._leave()
        self.refused = said.get("error") or f"its sender gave no answer: see {self.log}"
        raise TrackingError(self.refused, said.get("hint", ""))

    def close(self, status: Status) -> Outcome:
        """Ends the run's record, here and in MLflow. Call after the journal's ``end``."""
        self.run.finish(status)
        if self.refused:
            return unsent(self.run, self.refused)
        if self.process.poll() is not None:  # killed: the journal has everything, a new sender goes on from it
            self._leave()
            self.process, self._heard = self._spawn(), b""
        return self.finish()

    def finish(self) -> Outcome:
        """Tells the sender to send the rest and end, and waits for it; one that takes too long goes on alone."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        until = time.monotonic() + CLOSE_SECONDS
        said = self._hear(until - time.monotonic())
        if "ready" in said:
            self.run.update(mlflow_run_id=said["ready"])
            said = self._hear(until - time.monotonic())
        if said:
            self._leave()
        if "sent" in said:
            return Outcome(self.run.name, sent=True, message=self._skipped(said["skipped"]))
        why = said.get("unsent") or said.get("error") or "it is slow, and goes on in the background"
        return unsent(self.run, why)

    def _skipped(self, entries: int) -> str:
        words = f"{entries} entries" if entries > 1 else "an entry"
        return f"MLflow refused {words} of {self.run.name}, kept on disk: see {self.log}" if entries else ""

    def _leave(self) -> None:
        """Takes leave of a sender that has ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)

    @property
    def log(self) -> Path:
        return self.run.folder / "tracking.log"

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                # -P: a queue.py or mlflow/ in the user's folder must not be imported for the real one
                [sys.executable, "-P", "-m", "kpipe.tracking", str(self.run.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C stops the training, which then tells the sender
            )

    def _hear(self, seconds: float) -> dict[str, Any]:
        """The sender's next line, or that it has died; empty when it says nothing in time."""
        assert self.process.stdout is not None
        until = time.monotonic() + seconds
        while b"\n" not in self._heard:
            if not select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                return {}
            new = os.read(self.process.stdout.fileno(), 65536)
            if not new:
                return {"error": f"its sender died: see {self.log}"}
            self._heard += new
        line, _, self._heard = self._heard.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard


def sync(root: Path, names: Sequence[str] = ()) -> list[Outcome]:
    """Sends what MLflow does not have yet of the runs named, or of all; safe to do twice.

    A search is sent with its trials, and a trial with its search. Raises: RunNotFound: no run of that name.
    """
    named = [finding.find(root, name) for name in names]
    chosen = [run.parent or run for run in named] or list(reversed(runs.runs(root)))
    return [sync_run(run) for run in {run.folder: run for run in chosen}.values() if names or is_behind(run)]


def is_behind(run: Run) -> bool:
    """MLflow lacks something of a run, or of a trial of it, that no process is at work on."""
    if run.alive:
        return False
    readable = [run, *(trial for trial in run.trials if trial.is_readable)]
    return any(one.record.status == "RUNNING" for one in readable) or Senders(run).behind


def sync_run(run: Run) -> Outcome:
    if run.alive:
        return Outcome(run.name, sent=False, message=f"{run.name} is still running, and sends by itself")
    runs.require_inside(run.folder)
    sender = Tracking(run)
    try:
        sender.wait()
    except TrackingError as error:
        return unsent(run, error.message)
    return sender.finish()
