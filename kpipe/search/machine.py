"""Machine: what this computer has for workers to share."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

MEMORY_SHARE = 0.9
"""Of the machine's memory, for all workers together."""

CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_share(workers: int, limits: Sequence[Path] = CONTAINER_LIMITS) -> int:
    """Bytes that each of so many workers may take: its share of the machine's, or of the container's."""
    import psutil

    total = min(
        [
            psutil.virtual_memory().total,
            *(int(limit.read_text(encoding="utf-8")) for limit in limits if has_number(limit)),
        ]
    )
    return int(total * MEMORY_SHARE / workers)


def has_number(file: Path) -> bool:
    """Whether a file of the system holds a number; ``max`` is none."""
    return file.exists() and file.read_text(encoding="utf-8").strip().isdecimal()


def gpus(environment: Mapping[str, str] = os.environ, devices: Path = Path("/dev")) -> list[str]:
    """The GPUs of NVIDIA that this process may use, found without loading an engine."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name.strip() not in ("", "-1")]
    found = (path.name.removeprefix("nvidia") for path in devices.glob("nvidia[0-9]*"))
    return sorted((name for name in found if name.isdecimal()), key=int)


def gpu_shares(workers: int, found: list[str]) -> list[dict[str, str]]:
    """What each worker is told of the GPUs: each has its own, or, where there are fewer, shares one with others."""
    if not found:
        return [{} for _ in range(workers)]
    shared = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    own = [found[worker::workers] or [found[worker % len(found)]] for worker in range(workers)]
    return [{"CUDA_VISIBLE_DEVICES": ",".join(names), **(shared if workers > len(found) else {})} for names in own]
