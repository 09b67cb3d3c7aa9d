"""Tracking: a run is recorded in MLflow by a process of its own, which reads the run's journal as it grows.

Training never waits for MLflow: it writes the journal (see kpipe.journal), and importing MLflow, creating its store
and sending go on beside it. What could not be sent stays on disk, and ``kpipe sync`` sends it later.
"""

from __future__ import annotations

import importlib
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

from kpipe import journal, runs, store, ui
from kpipe.errors import TrackingError
from kpipe.journal import Journal
from kpipe.runs import LOCAL, Run, Status
from kpipe.sender import RETRY_SECONDS, Sender

POLL_SECONDS = 0.2
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
        if not said and seconds < READY_SECONDS and self.process.poll() is None:
            return ""
        self.process.kill()
        self._leave()
        self.refused = said.get("error") or f"its sender gave no answer: see {self.run.folder / 'tracking.log'}"
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
            return Outcome(self.run.name, sent=True)
        why = said.get("unsent") or said.get("error") or "it is slow, and goes on in the background"
        return unsent(self.run, why)

    def _leave(self) -> None:
        """Takes leave of a sender that has ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with (self.run.folder / "tracking.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "kpipe.tracking", str(self.run.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C stops the training, which then tells the sender
            )

    def _hear(self, seconds: float) -> dict[str, str]:
        """The sender's next line; empty when it says nothing in time, or has died."""
        assert self.process.stdout is not None
        until = time.monotonic() + seconds
        while b"\n" not in self._heard:
            if not select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                return {}
            new = os.read(self.process.stdout.fileno(), 65536)
            if not new:
                return {}
            self._heard += new
        line, _, self._heard = self._heard.partition(b"\n")
        heard: dict[str, str] = json.loads(line)
        return heard


def sync(root: Path, names: Sequence[str] = ()) -> list[Outcome]:
    """Sends what MLflow does not have yet of the runs named, or of all; safe to do twice.

    Raises: RunNotFound: no run of that name. TrackingError: MLflow refuses or does not answer.
    """
    chosen = [runs.find(root, name) for name in names] or list(reversed(runs.runs(root)))
    return [sync_run(run) for run in chosen if names or is_behind(run)]


def is_behind(run: Run) -> bool:
    """MLflow lacks something of a run that no process is at work on."""
    return not run.alive and (run.record.status == "RUNNING" or Sender(run).behind)


def sync_run(run: Run) -> Outcome:
    if run.alive:
        return Outcome(run.name, sent=False, message=f"{run.name} is still running, and sends by itself")
    sender = Tracking(run)
    sender.wait()
    return sender.finish()


def bury(run: Run) -> None:
    """Marks a run KILLED whose process died without a word."""
    events = journal.read(run.journal)
    if run.alive or (events and events[-1].kind == "end"):
        return
    writer = Journal(run.journal, resume=False)
    writer.end("KILLED")
    writer.close()
    run.update(status="KILLED", end=runs.now())


def serve_ui(root: Path, port: int = 5000) -> None:
    """``kpipe ui``."""
    ui.serve(root, port)


def main(folder: str) -> int:
    """The sender's process: works until its stdin ends, which it does when the training process closes it or dies."""
    talk = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever MLflow prints goes to the log

    def say(**line: Any) -> None:
        try:
            talk.write(json.dumps(line) + "\n")
            talk.flush()
        except BrokenPipeError:
            return

    run = Run(Path(folder))
    sender = Sender(run)
    try:
        sender.open()
    except TrackingError as error:
        say(error=error.message, hint=error.hint)
        return 1
    say(ready=sender.sent.run_id)
    why = follow(sender)
    say(**({"unsent": why} if why else {"sent": "all"}))
    return 0


def follow(sender: Sender) -> str | None:
    """Sends as the journal grows, and a last time when the training process is gone."""
    importlib.import_module("mlflow.pyfunc")  # now, rather than when the model is waiting

    parent, next_try, gone, why = os.getppid(), 0.0, False, None
    while not gone:
        gone = bool(select.select([0], [], [], POLL_SECONDS)[0]) or os.getppid() != parent
        if gone:
            bury(sender.run)
        if gone or time.monotonic() >= next_try:
            why = sender.send()
            next_try = time.monotonic() + RETRY_SECONDS if why else 0.0
    return why


if __name__ == "__main__":
    code = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(code)  # MLflow's own exit takes half a second, which the training process would wait for
