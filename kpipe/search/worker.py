"""Worker: a process that carries out one trial after the other, seen from outside."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from kpipe.process import spawn
from kpipe.search.carry_out import Task

OUT_OF_MEMORY = 137
"""The exit code of a worker that took more memory than it may."""
Event = dict[str, Any]


class Place(Protocol):
    """Where one trial at a time runs."""

    def begin(self, task: Task) -> None:
        """Hands over a trial; the place must be free."""

    def events(self) -> list[Event]:
        """What the worker has told since the last time; ``died`` where it ended without a word."""

    def stop(self) -> None:
        """Asks for the trial to end after this epoch."""

    def kill(self) -> None:
        """Ends the worker at once, whatever it does; the next trial gets a new one."""


class Worker:
    """A place on this machine: a process that stays warm between trials, so that imports are paid once.

    One process has one engine, precision and number of threads: a trial that wants another gets a new process.
    """

    def __init__(self, memory: int, environment: Mapping[str, str] | None = None) -> None:
        self.memory = memory
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[str] | None = None
        self.kind: tuple[Any, ...] = ()
        self.heard: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def begin(self, task: Task) -> None:
        kind = (task.backend, task.pipeline.get("precision"), task.pipeline.get("threads"))
        if self.process is None or self.process.poll() is not None or self.kind != kind:
            self.kill()
            self.start(Path(task.folder) / "log.txt")
            self.kind = kind
        self.say(task=task.model_dump(mode="json"))

    def events(self) -> list[Event]:
        found = []
        while not self.heard.empty():
            found.append(self.heard.get())
        return found

    def stop(self) -> None:
        self.say(stop=True)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdin is not None
            with suppress(OSError):  # what was written to a dead process cannot be flushed
                self.process.stdin.close()
            self.listener.join()
        self.process, self.heard = None, queue.SimpleQueue()

    def start(self, log: Path) -> None:
        self.process = spawn("kpipe.search", str(self.memory), log=log, environment=self.environment)
        self.listener = threading.Thread(target=listen, args=(self.process, self.heard), daemon=True)
        self.listener.start()

    def say(self, **line: Any) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(line) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:  # it has died, which the listener tells
            return


def listen(process: subprocess.Popen[str], heard: queue.SimpleQueue[Event]) -> None:
    """Passes on every line of a worker, and at the end how it died."""
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            if line.endswith("\n"):  # the last one may be torn
                heard.put(json.loads(line))
    heard.put({"event": "died", "code": process.wait()})
