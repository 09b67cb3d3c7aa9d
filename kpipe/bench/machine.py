"""Machine: what about this computer decides how fast a backend is."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kpipe.backend import THREADS, Backend

VARIABLES = (*THREADS, "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "XLA_FLAGS", "CUDA_VISIBLE_DEVICES")
"""What engines read from the environment that changes their speed."""
PACKAGES: Mapping[Backend, tuple[str, ...]] = {
    "tensorflow": ("tensorflow",),
    "jax": ("jax", "jaxlib"),
    "torch": ("torch",),
}


def machine(cpus: Path = Path("/proc/cpuinfo"), gpus: Path = Path("/proc/driver/nvidia/gpus")) -> dict[str, Any]:
    """The processor, the cores that may be used, the GPUs, and what the environment says of threads."""
    return {
        "cpu": model_of(cpus, "model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "gpus": sorted(model_of(file, "Model") for file in gpus.glob("*/information")),
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def model_of(file: Path, key: str) -> str:
    """The first value of ``key`` in one of the system's files of ``key : value``; empty where there is none."""
    if not file.exists():
        return ""
    text = file.read_text(encoding="utf-8", errors="replace")
    found = re.search(rf"^{key}\s*:\s*(.+?)\s*$", text, re.MULTILINE)
    return found[1] if found else ""


def versions(engine: Backend) -> dict[str, str]:
    """Of everything between the pipeline and the processor."""
    names = ("kpipe", "keras", "numpy", *PACKAGES[engine])
    return {"python": platform.python_version(), **{name: version_of(name) for name in names}}


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # some builds have other names
        return ""
