"""Process: a backend writes its formats in a process of its own, seen from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from kpipe.errors import RunFailed, WrongInput
from kpipe.export.task import Row, Task

LAST_LINES = 3
"""Of what a process that died has printed, shown with the error."""


def carry_out_elsewhere(task: Task, log: Path) -> list[Row]:
    """What the process tells of its files; it does not outlive this function.

    Raises: WrongInput, RunFailed: it could not, or died.
    """
    with log.open("w") as printed:
        process = subprocess.Popen(
            # -P: a random.py in the user's folder must not be imported for the real one
            [sys.executable, "-u", "-P", "-m", "kpipe.export"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=printed,
            text=True,
            start_new_session=True,  # Ctrl-C is for this process, which then ends the other
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(BrokenPipeError):  # it died at once, and says below how
            process.stdin.write(task.model_dump_json() + "\n")
            process.stdin.flush()
        line = process.stdout.readline()
        if not line.endswith("\n"):
            raise died(task.backend, process.wait(), log)
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):  # what was written to a dead process cannot be flushed
            process.stdin.close()
        process.stdout.close()
    answer = json.loads(line)
    if "message" in answer:
        kind = WrongInput if answer["exit_code"] == WrongInput.exit_code else RunFailed
        raise kind(f"{task.backend}: {answer['message']}", answer.get("hint", ""))
    return [Row.model_validate_json(json.dumps(row)) for row in answer["rows"]]


def died(backend: str, code: int, log: Path) -> RunFailed:
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return RunFailed(f"the {backend} process {how}", "\n".join(lines[-LAST_LINES:]))
