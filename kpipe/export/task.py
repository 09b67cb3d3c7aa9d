"""Task and Row: what a backend's process is asked to write, and what it tells of each file, as plain data."""

from __future__ import annotations

from pydantic import Field

from kpipe.backend import Backend
from kpipe.spec.spec import Spec, Tuple

MODEL = "model"
"""In the place of a format: the model itself."""


class Task(Spec):
    """Some formats of a run's model, on a backend that can write them."""

    run: str
    """its folder"""
    backend: Backend
    formats: Tuple[str] = ()
    int8: bool = False
    """those that can are written with weights of eight bits too"""
    folder: str
    """for the files"""
    reference: str
    """the file of what the model gives on its own backend; where it is not there, this process writes it"""


class Row(Spec):
    """A file beside the model that it was made of."""

    format: str
    backend: str
    """that wrote it"""
    file: str = ""
    int8: bool = False
    bytes: int = 0
    one: float = 0.0
    """milliseconds for one example"""
    batch: float = 0.0
    """milliseconds for the first batch"""
    difference: float | None = None
    """the largest from the model's output, relative to its largest number where that is above 1"""
    examples: int = 0
    """in the first batch"""
    prepared: int = 0
    """those of them that the preparation beside the files makes again of raw input"""
    scores: dict[str, float] = Field({})
    """metrics on the test split, where accuracy may be lost"""
    error: str = ""
    """why there is no file"""
