"""The sender's process: ``python -m kpipe.tracking RUN_FOLDER``, started by Tracking."""

from __future__ import annotations

import importlib
import json
import os
import select
import sys
import time
from pathlib import Path
from typing import Any

from kpipe import runs
from kpipe.errors import TrackingError
from kpipe.runs import Run
from kpipe.tracking import journal
from kpipe.tracking.journal import Journal
from kpipe.tracking.sender import RETRY_SECONDS, Sender

POLL_SECONDS = 0.2


def bury(run: Run) -> None:
    """Marks a run KILLED whose process died without a word."""
    events = journal.read(run.journal)
    if run.alive or (events and events[-1].kind == "end"):
        return
    writer = Journal(run.journal, resume=False)
    writer.end("KILLED")
    writer.close()
    run.update(status="KILLED", end=runs.now())


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
    say(**({"unsent": why} if why else {"sent": "all", "skipped": sender.sent.skipped}))
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
