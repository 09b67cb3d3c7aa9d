"""A backend's process: ``python -m kpipe.parity``, which takes its tasks from standard input, a line for each."""

from __future__ import annotations

from typing import Any

from kpipe.parity.carry_out import carry_out
from kpipe.parity.task import Task
from kpipe.process import answer


def answer_of(line: str) -> dict[str, Any]:
    carry_out(Task.model_validate_json(line))
    return {}


if __name__ == "__main__":
    answer(answer_of)
