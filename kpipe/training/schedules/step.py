"""Step: down a stair at even distances."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from typing_extensions import override

from kpipe.training.schedules.schedule import Schedule, Span, in_steps


class Step(Schedule):
    """The learning rate falls by a factor at even distances.

    factor = rate ** floor(step / every).

    Example:
        schedule: {type: step, every: 0.3, rate: 0.1}
    """

    type: Literal["step"] = "step"
    every: Span = Field(0.34, description="between two falls: whole steps, or a fraction of what follows the warm-up")
    rate: float = Field(0.1, gt=0.0, le=1.0, description="what each fall multiplies by, in (0, 1]")

    @override
    def decay(self, step: Any, steps: int, ops: Any) -> Any:
        every = max(in_steps(self.every, steps), 1)
        return ops.power(self.rate, ops.floor(step / every))
