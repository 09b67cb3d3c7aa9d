"""Another process is asked, answers, tells what went wrong, and ends with the one that asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pydantic import BaseModel

from kpipe.errors import RunFailed, WrongInput
from kpipe.process import Process

MODULE = """\
import json, os, signal, time
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
    if wanted == "sleep":
        time.sleep(600)
    if wanted == "pid":
        return {"got": os.getpid()}
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


ASKING = """\
from pathlib import Path
from pydantic import BaseModel
from kpipe.process import Process

class Task(BaseModel):
    wanted: str

with Process("answering", "jax", Path("log.txt")) as process:
    print(process.ask(Task(wanted="pid"))["got"], flush=True)
    process.ask(Task(wanted="sleep"))
"""


@pytest.mark.usefixtures("process")
def test_it_ends_with_the_process_that_asked_whatever_it_does(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ASKING]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        child = psutil.Process(int(asking.stdout.readline()))
        asking.kill()
    until = time.monotonic() + 60
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.1)
