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

from kpipe.search.carry_out import Task, carry_out
from kpipe.search.worker import OUT_OF_MEMORY

LOOK_SECONDS = 0.2
GB = 1_000_000_000


def main(memory: str) -> None:
    """Works until standard input ends, which it does when the search ends or dies."""
    talk = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what engines print is for the log
    talking = threading.Lock()

    def tell(event: dict[str, Any]) -> None:
        with talking, contextlib.suppress(BrokenPipeError):
            talk.write(json.dumps(event) + "\n")
            talk.flush()

    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    stop = threading.Event()
    threading.Thread(target=listen, args=(tasks, stop), daemon=True).start()
    threading.Thread(target=watch_memory, args=(int(memory), tell), daemon=True).start()
    while True:
        task = tasks.get()
        stop.clear()
        log = os.open(Path(task.folder) / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        try:
            carry_out(task, tell, stop)
        except BaseException:  # noqa: BLE001  it was told; who knows what state it leaves behind: a new process is clean
            traceback.print_exc()
            sys.stderr.flush()
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


def watch_memory(most: int, tell: Any) -> None:
    """Ends the process when it takes more memory than it may, before the machine runs out of it."""
    import psutil

    process = psutil.Process()
    while True:
        taken = process.memory_info().rss
        if taken > most:
            message = f"out of memory: it took {taken / GB:.1f} GB of {most / GB:.1f} GB allowed"
            tell({"event": "failed", "message": message})
            print(message, file=sys.stderr, flush=True)
            os._exit(OUT_OF_MEMORY)
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
