"""Another process is asked, answers, tells what went wrong, and ends with the one that asked."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from kpipe.errors import RunFailed, WrongInput
from kpipe.process import Process, end_with

MODULE = """\
import json, os, signal
from kpipe.errors import WrongInput
from kpipe.process import answer

def carry_out(line):
    wanted = json.loads(line)["wanted"]
    if wanted == "wrong":
        raise WrongInput("no such thing", "write another")
    if wanted == "fault":
        raise ZeroDivisionError("by zero")
    if wanted == "death":
        print("these are my last words")
        os.kill(os.getpid(), signal.SIGKILL)
    print("an engine says this and that")
    return {"got": wanted}

answer(carry_out)
"""


class Task(BaseModel):
    wanted: str


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    (tmp_path / "answering.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    with Process("answering", "jax", tmp_path / "log.txt") as started:
        yield started
    assert started.process.returncode is not None


def test_tasks_are_answered_one_after_the_other(process: Process) -> None:
    assert process.ask(Task(wanted="this")) == {"got": "this"}
    assert process.ask(Task(wanted="that")) == {"got": "that"}
    assert process.log.read_text() == "an engine says this and that\n" * 2


def test_what_went_wrong_is_told_and_the_next_task_is_answered(process: Process) -> None:
    with pytest.raises(WrongInput) as wrong:
        process.ask(Task(wanted="wrong"))
    assert (wrong.value.message, wrong.value.hint) == ("jax: no such thing", "write another")
    with pytest.raises(RunFailed, match="jax: ZeroDivisionError: by zero"):
        process.ask(Task(wanted="fault"))
    assert process.ask(Task(wanted="this")) == {"got": "this"}


def test_a_process_that_died_leaves_its_last_words(process: Process) -> None:
    for _ in range(2):
        with pytest.raises(RunFailed, match=f"the jax process was killed by signal {signal.SIGKILL}") as died:
            process.ask(Task(wanted="death"))
        assert died.value.hint == "these are my last words"


def test_it_ends_with_the_process_that_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(os, "_exit", ended.append)
    end_with(os.getppid() + 1)
    assert ended == [1]
