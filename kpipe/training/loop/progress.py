"""Progress: how far a stage has come, as far as it is not in the model's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kpipe.errors import RunFailed
from kpipe.training.method import Epoch


@dataclass
class Progress:
    """Changes as the stage goes on, and is stored in checkpoints as JSON."""

    epoch: int = 0
    """epochs that have ended"""
    step: int = 0
    """steps done in the epoch that has not"""
    seconds: float = 0.0
    """spent in the epoch that has not ended"""
    history: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0
    """from 1; 0 before the first epoch has ended"""
    best_value: float | None = None
    waited: int = 0
    """epochs since the best"""
    steps: int = 0
    """done since the run began, over all stages, when this was saved"""
    finished: bool = False
    """nothing more is trained: the last epoch has ended, or patience has"""

    def steps_of(self, steps_per_epoch: int) -> int:
        """Steps done in this stage."""
        return self.epoch * steps_per_epoch + self.step

    def record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Progress:
        """Raises: RunFailed: another program has written it, or another kpipe."""
        try:
            return TypeAdapter(cls).validate_python(dict(record))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            hint = "go on with the kpipe that wrote it, or start a new run"
            raise RunFailed(f"the checkpoint's record is none of this kpipe: {where}: {first['msg']}", hint) from error
