"""A backend's process: ``python -m kpipe.export``, which takes its task from standard input, and answers in a line."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from typing import Any

from kpipe.errors import KpipeError
from kpipe.export.carry_out import carry_out
from kpipe.export.task import Task

LONGEST = 2000


def main() -> None:
    """Answers with the rows, or with what went wrong; what engines print goes to standard error."""
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    task = Task.model_validate_json(sys.stdin.readline())
    threading.Thread(target=end_with_parent, daemon=True).start()
    answer: dict[str, Any]
    try:
        answer = {"rows": [row.model_dump(mode="json") for row in carry_out(task)]}
    except KpipeError as error:
        answer = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
    except Exception as error:  # noqa: BLE001  it is told, whatever it is
        traceback.print_exc()
        answer = {"message": f"{type(error).__name__}: {error}"[:LONGEST], "exit_code": 1}
    stream.write(json.dumps(answer) + "\n")
    stream.flush()
    os._exit(0)  # engines need seconds to end in order


def end_with_parent() -> None:
    """Standard input ends when the process that asked does."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
