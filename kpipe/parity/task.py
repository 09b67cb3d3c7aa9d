"""Task: what a backend's process is asked to measure, as plain data."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kpipe.backend import Backend
from kpipe.spec.spec import Spec


class Task(Spec):
    """One pipeline on one backend."""

    pipeline: dict[str, Any]
    backend: Backend
    steps: int = Field(ge=1)
    output: str
    """the file for the measurement"""
    reference: str | None = None
    """the file with that of the backend it is compared with"""
    from_reference: bool = False
    """the steps begin with the reference's weights"""
    random: bool = False
    """layers that draw numbers in training do so"""
