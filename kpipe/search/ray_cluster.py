"""Ray: trials on a cluster. An actor on some node holds the same worker process that runs trials on this machine."""

from __future__ import annotations

import io
import os
import shutil
import socket
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe.errors import MissingExtra, WrongInput
from kpipe.search import machine
from kpipe.search.carry_out import Task
from kpipe.search.worker import Event, Worker

if TYPE_CHECKING:
    import ray as ray_module

LOCAL = "local"
ANSWER_SECONDS = 10.0
HINT = "`ray start --head` starts a cluster; --ray local starts one on this machine"
CALL_SECONDS = 60.0
"""A node that does not answer for so long has died."""
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Ray reports usage to its makers unless told otherwise."""
RETURNED = ("model", "fingerprint", "checkpoints", "log.txt")
"""What a trial leaves in its folder, brought back from a node with other disks."""


def connect(address: str, workers: int | None, threads: int | None, memory: int | None) -> tuple[list[Any], int]:
    """A place for each worker on the cluster at ``address``, and the threads of each; ``local`` starts one here.

    By default a worker for each node. Raises: MissingExtra; WrongInput: nothing answers there.
    """
    ray = imported()
    require_answer(address)
    if not ray.is_initialized():
        try:
            where = {} if address == LOCAL else {"address": address}
            ray.init(
                **where, include_dashboard=False, log_to_driver=False, logging_level="ERROR", configure_logging=True
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise WrongInput(f"--ray {address}: no cluster answers: {error}", HINT) from error
    number = workers or max(1, sum(node["Alive"] for node in ray.nodes()))
    resources = ray.cluster_resources()
    threads = threads or max(1, int(resources.get("CPU", 1)) // number)
    shares = {name: resources.get(name, 0) / number for name in ("CPU", "GPU")}  # all find a place at once
    whole = {name: share if share < 1 else int(share) for name, share in shares.items()}
    return [RayPlace(whole["CPU"], whole["GPU"], memory) for _ in range(number)], threads


def require_answer(address: str) -> None:
    """Ray itself tries for minutes. Raises: WrongInput: nobody answers at ``host:port``."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise WrongInput(f"--ray {address}: no cluster answers: {error}", HINT) from error


def imported() -> Any:
    """Ray, told to be quiet. Raises: MissingExtra."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("--ray: Ray is not installed", "pip install 'kpipe[ray]'") from error
    return ray


class Host:
    """The actor: a worker on a node. Where the node does not see the trial's folder, it works in one of its own."""

    def __init__(self, memory: int | None, environment: Mapping[str, str]) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="kpipe-"))
        self.worker = Worker(memory or machine.memory_share(1), environment)
        self.task: Task | None = None

    def sees(self, folder: str, record: bytes) -> bool:
        """Whether the trial's folder is the same one here."""
        path = Path(folder) / "run.json"
        return path.exists() and path.read_bytes() == record

    def begin(self, written: dict[str, Any], files: bytes | None, before: bytes | None) -> None:
        task = Task.model_validate(written)
        if files is not None:
            folder = self.scratch / task.name
            shutil.rmtree(folder, ignore_errors=True)
            unpack(files, folder)
            changes: dict[str, Any] = {"folder": str(folder)}
            if before is not None:
                unpack(before, self.scratch / f"before-{task.name}")
                changes["carries_on"] = str(self.scratch / f"before-{task.name}")
            task = task.model_copy(update=changes)
        self.task = task if files is not None else None
        self.worker.begin(task)

    def events(self) -> tuple[list[Event], bytes | None]:
        """What was told; with the end of a trial also the files that it left, where they are not seen from outside."""
        found = self.worker.events()
        ends = any(event["event"] in ("done", "stopped", "failed", "refused", "unusable") for event in found)
        return found, pack(Path(self.task.folder), RETURNED) if ends and self.task is not None else None

    def stop(self) -> None:
        self.worker.stop()

    def kill(self) -> None:
        self.worker.kill()


class RayPlace:
    """A place on the cluster, with a new actor where the one before was lost."""

    def __init__(self, cpus: float, gpus: float, memory: int | None) -> None:
        self.options = {"num_cpus": cpus, "num_gpus": gpus, "max_restarts": 0}
        self.memory = memory
        self.host: Any = None
        self.task: Task | None = None
        self.ray: ray_module = imported()

    def begin(self, task: Task) -> None:
        if self.host is None:
            self.host = self.ray.remote(**self.options)(Host).remote(self.memory, {})
        self.task = task
        try:
            record = (Path(task.folder) / "run.json").read_bytes()
            files = before = None
            if not self.ask(self.host.sees.remote(task.folder, record)):
                files = pack(Path(task.folder), ("run.json", "checkpoints"))
                before = pack(Path(task.carries_on), ("run.json", "checkpoints")) if task.carries_on else None
            self.ask(self.host.begin.remote(task.model_dump(mode="json"), files, before))
        except self.lost:
            self.host = None  # told by the next `events`

    def events(self) -> list[Event]:
        if self.task is None:
            return []
        if self.host is None:
            return [{"event": "died", "code": 1}]
        try:
            found, files = self.ask(self.host.events.remote())
        except self.lost:
            self.host = None
            return [{"event": "died", "code": 1}]
        if files is not None:
            unpack(files, Path(self.task.folder))
        return list(found)

    def stop(self) -> None:
        if self.host is not None:
            self.host.stop.remote()

    def kill(self) -> None:
        if self.host is not None:
            with suppress(*self.lost):
                self.ask(self.host.kill.remote())
            self.ray.kill(self.host)
        self.host = self.task = None

    @property
    def lost(self) -> tuple[type[Exception], ...]:
        """What Ray raises when an actor or its node is gone."""
        return (self.ray.exceptions.RayActorError, self.ray.exceptions.GetTimeoutError)

    def ask(self, answer: Any) -> Any:
        return self.ray.get(answer, timeout=CALL_SECONDS)


def pack(folder: Path, names: tuple[str, ...]) -> bytes:
    """Files and folders of ``folder``, those that are there."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            if (folder / name).exists():
                archive.add(folder / name, arcname=name)
    return packed.getvalue()


def unpack(packed: bytes, folder: Path) -> None:
    """Never outside of ``folder``: what other paths say is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
