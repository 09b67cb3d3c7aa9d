"""A worker's process: ``python -m kpipe.search MEMORY``, which takes its trials from standard input."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from kpipe.process import talk
from kpipe.search.carry_out import Task, carry_out
from kpipe.search.worker import OUT_OF_MEMORY

LOOK_SECONDS = 0.2
GB = 1_000_000_000


class Talk:
    """What is told of the trial in hand, a line for each event."""

    def __init__(self) -> None:
        self.stream = talk()
        self.lock = threading.Lock()
        self.trial = ""
        self.trials = 0

    def __call__(self, event: dict[str, Any]) -> None:
        line = json.dumps({"trial": self.trial, **event}) + "\n"
        with self.lock, contextlib.suppress(BrokenPipeError):
            self.stream.write(line)
            self.stream.flush()


def main(memory: str) -> None:
    """Works until standard input ends, which it does when the search ends or dies."""
    tell = Talk()
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    stop = threading.Event()
    threading.Thread(target=listen, args=(tasks, stop), daemon=True).start()
    threading.Thread(target=watch_memory, args=(int(memory), tell), daemon=True).start()
    while True:
        task = tasks.get()
        tell.trial, tell.trials = task.name, tell.trials + 1
        stop.clear()
        log = os.open(Path(task.folder) / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        try:
            carry_out(task, tell, stop)
        except BaseException:  # noqa: BLE001  it was told; who knows what state it leaves behind: a new process is clean
            traceback.print_exc()
            os._exit(1)


def listen(tasks: queue.SimpleQueue[Task], stop: threading.Event) -> None:
    """Takes what the search says; the process ends with it, so that no worker outlives its search."""
    for line in sys.stdin:
        said = json.loads(line)
        if "task" in said:
            tasks.put(Task.model_validate(said["task"]))
        if "stop" in said:
            stop.set()
    os._exit(0)


def watch_memory(most: int, tell: Talk) -> None:
    """Ends the process when it takes more memory than it may, before the machine runs out of it.

    Where trials before this one may have left some behind, it ends without a word: a new process takes the trial up.
    """
    import psutil

    process = psutil.Process()
    while True:
        memory = process.memory_info()
        taken = memory.rss - getattr(
            memory, "shared", 0
        )  # data mapped from files can be had again, and are not counted
        if taken > most:
            message = f"out of memory: it took {taken / GB:.1f} GB of {most / GB:.1f} GB allowed"
            print(message, file=sys.stderr)
            if tell.trials == 1:
                tell({"event": "failed", "message": message, "broken": True})
            os._exit(OUT_OF_MEMORY)
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
