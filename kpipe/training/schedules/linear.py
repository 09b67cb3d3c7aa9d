"""Linear: straight down."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from typing_extensions import override

from kpipe.training.schedules.schedule import Schedule


class Linear(Schedule):
    """The learning rate falls in a straight line to the end of the stage.

    factor = 1 - (1 - end) step / steps.

    Example:
        schedule: {type: linear, warmup: 0.1, end: 0.0}
    """

    type: Literal["linear"] = "linear"
    end: float = Field(0.0, ge=0.0, le=1.0, description="the fraction of the peak it ends at, in [0, 1]")

    @override
    def decay(self, step: Any, steps: int, ops: Any) -> Any:
        return 1.0 - (1.0 - self.end) / steps * step
