"""The sender's process: ``python -m kpipe.tracking RUN_FOLDER``, started by Tracking, of a search with its trials."""

from __future__ import annotations

import importlib
import json
import os
import select
import sys
from pathlib import Path
from typing import Any

from kpipe import runs
from kpipe.errors import TrackingError
from kpipe.process import talk
from kpipe.runs import Run
from kpipe.tracking.journal import Journal
from kpipe.tracking.senders import Senders

POLL_SECONDS = 0.2
LET_GO_SECONDS = 5.0
"""A process that is killed may close its end of a pipe a moment before the system opens its locks."""


def bury(run: Run) -> None:
    """Marks a run KILLED whose process died without a word, and its trials that had not ended.

    The run is held meanwhile: nobody goes on with it before it is buried.
    """
    if not run.take(LET_GO_SECONDS):
        return
    try:
        for dead in (*(trial for trial in run.trials if trial.is_readable), run):
            bury_one(dead)
    finally:
        run.free()


def bury_one(run: Run) -> None:
    writer = Journal(run.journal, resume=False)
    if writer.ended is None:
        if run.is_trial:
            writer.tags({"status": "killed"})
        writer.end("KILLED")
    writer.close()
    if run.record.status == "RUNNING":
        run.update(status=writer.ended, end=runs.now())


def main(folder: str) -> int:
    """The sender's process: works until its stdin ends, which it does when the training process closes it or dies."""
    stream = talk()

    def say(**line: Any) -> None:
        try:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
        except BrokenPipeError:
            return

    senders = Senders(Run(Path(folder)))
    try:
        senders.open()
    except TrackingError as error:
        say(error=error.message, hint=error.hint)
        return 1
    say(ready=senders.first.sent.run_id)
    why = follow(senders)
    say(**({"unsent": why} if why else {"sent": "all", "skipped": senders.skipped}))
    return 0


def follow(senders: Senders) -> str | None:
    """Sends as the journals grow, and a last time when the training process is gone."""
    importlib.import_module("mlflow.pyfunc")  # now, rather than when the model is waiting

    parent, gone, why = os.getppid(), False, None
    while not gone:
        gone = bool(select.select([0], [], [], POLL_SECONDS)[0]) or os.getppid() != parent
        if gone:
            bury(senders.first.run)
        why = senders.send(at_once=gone)
    return why


if __name__ == "__main__":
    code = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(code)  # MLflow's own exit takes half a second, which the training process would wait for
