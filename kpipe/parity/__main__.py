"""A backend's process: ``python -m kpipe.parity``, which takes its tasks from standard input, a line for each."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback

from kpipe.errors import KpipeError
from kpipe.parity.carry_out import carry_out
from kpipe.parity.task import Task


def main() -> None:
    """Answers each task with a line; what engines print goes to standard error."""
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answer: dict[str, str | int] = {}
        try:
            carry_out(Task.model_validate_json(line))
        except KpipeError as error:
            answer = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
        except Exception as error:  # noqa: BLE001  it is told, whatever it is
            traceback.print_exc()
            answer = {"message": f"{type(error).__name__}: {error}"[:2000], "exit_code": 1}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def end_with(parent: int) -> None:
    """A task may take long, and nobody waits for it any more where the process that asked has died."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


if __name__ == "__main__":
    main()
