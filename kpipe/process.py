"""Process: kpipe at work in another process: how that is started and asked, and how it answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from pydantic import BaseModel

from kpipe.errors import KpipeError, RunFailed, WrongInput

LAST_LINES = 3
"""Of what a process that died has printed, shown with the error."""
LONGEST = 2000
"""Characters of an error that nobody expected."""


def spawn(
    module: str, *arguments: str, log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """``python -m module``, which is talked to by lines; what engines print goes behind what is in ``log``.

    ``environment`` is added to that of this process.
    """
    with log.open("a") as printed:
        return subprocess.Popen(  # noqa: S603
            # -P: a random.py in the user's folder must not be imported for the real one
            [sys.executable, "-u", "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=printed,
            text=True,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C is for this process, which then ends the other
        )


class Process:
    """Carries out one task after the other, which ``answer`` answers there; the engine is loaded once."""

    def __init__(self, module: str, backend: str, log: Path) -> None:
        self.backend, self.log = backend, log
        self.process = spawn(module, log=log)

    def ask(self, task: BaseModel) -> dict[str, Any]:
        """What it answers. Raises: WrongInput, RunFailed: it could not, or the process died."""
        try:
            self.stdin.write(task.model_dump_json() + "\n")
            self.stdin.flush()
        except BrokenPipeError:
            raise self.died() from None
        line = self.stdout.readline()
        if not line.endswith("\n"):
            raise self.died()
        answer: dict[str, Any] = json.loads(line)
        if "message" in answer:
            kind = WrongInput if answer["exit_code"] == WrongInput.exit_code else RunFailed
            raise kind(f"{self.backend}: {answer['message']}", answer["hint"])
        return answer

    def died(self) -> RunFailed:
        how = death(self.process.wait())
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return RunFailed(f"the {self.backend} process {how}", "\n".join(lines[-LAST_LINES:]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
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


def answer(carry_out: Callable[[str], dict[str, Any]]) -> None:
    """In the process: answers each task, a line of JSON, with what ``carry_out`` gives, or with what went wrong."""
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    answers = talk()
    for line in sys.stdin:
        try:
            said = carry_out(line)
        except KpipeError as error:
            said = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
        except Exception as error:  # noqa: BLE001  it is told, whatever it is
            traceback.print_exc()
            said = {"message": f"{type(error).__name__}: {error}"[:LONGEST], "hint": "", "exit_code": 1}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


def talk() -> IO[str]:
    """In the process: what is said to the one that started it; what engines print goes to the log from now on."""
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return stream


def death(code: int) -> str:
    """How a process ended, in words."""
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def end_with_input() -> None:
    """Ends this process where standard input ends, as it does when the one that started it ends."""
    sys.stdin.read()
    os._exit(0)


def end_with(parent: int) -> None:
    """A task may take long, and nobody waits for it any more where the process that asked has died."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
