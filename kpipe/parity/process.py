"""Process: one backend at work in a process of its own, seen from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from kpipe.errors import RunFailed, WrongInput
from kpipe.parity.task import Task

LAST_LINES = 3
"""Of what a process that died has printed, shown with the error."""


class Process:
    """Carries out one task after the other; the engine is loaded once."""

    def __init__(self, backend: str, log: Path) -> None:
        self.backend, self.log = backend, log
        with log.open("w") as printed:
            self.process = subprocess.Popen(
                # -P: a random.py in the user's folder must not be imported for the real one
                [sys.executable, "-u", "-P", "-m", "kpipe.parity"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
                text=True,
                start_new_session=True,  # Ctrl-C is for this process, which then ends the other
            )

    def carry_out(self, task: Task) -> None:
        """Raises: WrongInput, RunFailed: it could not, or the process died."""
        try:
            self.stdin.write(task.model_dump_json() + "\n")
            self.stdin.flush()
        except BrokenPipeError:
            raise self.died() from None
        line = self.stdout.readline()
        if not line.endswith("\n"):
            raise self.died()
        answer = json.loads(line)
        if "message" in answer:
            kind = WrongInput if answer["exit_code"] == WrongInput.exit_code else RunFailed
            raise kind(f"{self.backend}: {answer['message']}", answer.get("hint", ""))

    def died(self) -> RunFailed:
        code = self.process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return RunFailed(f"the {self.backend} process {how}", "\n".join(lines[-LAST_LINES:]))

    def end(self) -> None:
        """Ends it at once, whatever it does."""
        self.process.kill()
        self.process.wait()
        with suppress(OSError):  # what was written to a dead process cannot be flushed
            self.stdin.close()
        self.stdout.close()

    @property
    def stdin(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def stdout(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout


@contextmanager
def started(backend: str, folder: Path) -> Iterator[Process]:
    process = Process(backend, folder / f"{backend}.log")
    try:
        yield process
    finally:
        process.end()


def carry_out_all(backend: str, tasks: Sequence[Task], folder: Path) -> None:
    """All tasks of a backend, one after the other in one process. Raises: WrongInput, RunFailed."""
    with started(backend, folder) as process:
        for task in tasks:
            process.carry_out(task)
