"""A backend's process: ``python -m kpipe.export``, which takes its task from standard input, and answers in a line."""

from __future__ import annotations

from typing import Any

from kpipe.export.carry_out import carry_out
from kpipe.export.task import Task
from kpipe.process import answer


def answer_of(line: str) -> dict[str, Any]:
    return {"rows": [row.model_dump(mode="json") for row in carry_out(Task.model_validate_json(line))]}


if __name__ == "__main__":
    answer(answer_of)
