"""Processes: those that train together with this one on PyTorch: started, watched, and ended with it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from kpipe.errors import KpipeError, RunFailed
from kpipe.process import death, spawn

PATIENCE = timedelta(days=30)
"""How long a process waits for the others. Those of a machine hear at once when one of them ends."""
END_SECONDS = 10.0
"""Left to all of them to end by themselves."""


@contextmanager
def joined(number: int, task: Mapping[str, Any], fingerprint: str, folder: Path) -> Iterator[None]:
    """Within, this process and ``number - 1`` others, which carry out ``task``, train together.

    Raises: RunFailed: one of them ended, or has other data.
    """
    import torch
    from torch import distributed

    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // number))
    processes: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory() as place:
        meeting = {"place": f"file://{place}/meeting", "number": number, "threads": torch.get_num_threads()}
        try:
            for rank in range(1, number):
                processes.append(started({**task, **meeting, "rank": rank}, folder / log_of(rank)))
            for rank, process in enumerate(processes, start=1):
                require_ready(rank, process, fingerprint, folder)
            join(0, number, meeting["place"])
            yield
            distributed.destroy_process_group()
        except Exception as error:
            if not isinstance(error, KpipeError):
                blame(processes, folder, error)
            raise
        finally:
            if distributed.is_initialized():
                distributed.destroy_process_group()
            end(processes)
            torch.set_num_threads(threads)


def join(rank: int, number: int, place: str) -> None:
    """Meets the other processes. They talk over the loopback interface: all are on this machine."""
    import torch
    from torch import distributed

    names = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
    if names:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", names[0])
    kinds = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(kinds, init_method=place, rank=rank, world_size=number, timeout=PATIENCE)


def log_of(rank: int) -> str:
    return f"process-{rank + 1}.log"


def started(task: Mapping[str, Any], log: Path) -> subprocess.Popen[str]:
    """A process of ``kpipe.rank``; it has a GPU of its own where there are any."""
    import torch

    own = {}
    if torch.cuda.is_available():
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(torch.cuda.device_count()))))
        own = {"CUDA_VISIBLE_DEVICES": visible.split(",")[task["rank"]]}
    process = spawn("kpipe.rank", log=log, environment=own)
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it ended already, which is noticed when it is waited for
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
    return process


def require_ready(rank: int, process: subprocess.Popen[str], fingerprint: str, folder: Path) -> None:
    """Waits until a process has its data. Raises: RunFailed: it ended, or the data is not the same."""
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said:
        raise ended(rank, process, folder)
    if said.strip() != fingerprint:
        raise RunFailed(f"process {rank + 1} read other data than the first", "does the source give the same twice?")


def blame(processes: list[subprocess.Popen[str]], folder: Path, error: Exception) -> None:
    """Raises: RunFailed: one of the processes has ended, which is why this one cannot go on."""
    for rank, process in enumerate(processes, start=1):
        with suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
            raise ended(rank, process, folder) from error


def ended(rank: int, process: subprocess.Popen[str], folder: Path) -> RunFailed:
    """A process that ended too early, with the last it said."""
    how = death(process.wait())
    log = folder / log_of(rank)
    words = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = f": {words[-1]}" if words else ""
    return RunFailed(f"process {rank + 1} of those that train together {how}{last}", f"all it said: {log}")


def end(processes: list[subprocess.Popen[str]]) -> None:
    """Lets them end, which they do when nobody can tell them anything any more; kills those that do not in time."""
    for process in processes:
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
    until = time.monotonic() + END_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
