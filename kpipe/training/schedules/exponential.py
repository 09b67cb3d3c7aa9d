"""Exponential: the same fall in every step."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from typing_extensions import override

from kpipe.training.schedules.schedule import Schedule, Span, in_steps


class Exponential(Schedule):
    """The learning rate falls by the same factor in equal times.

    factor = rate ** (step / every).

    Example:
        schedule: {type: exponential, every: 1000, rate: 0.96}
    """

    type: Literal["exponential"] = "exponential"
    every: Span = Field(
        1.0, description="in which it falls by `rate`: whole steps, or a fraction of what follows the warm-up"
    )
    rate: float = Field(0.01, gt=0.0, le=1.0, description="what it has fallen to after `every`, in (0, 1]")

    @override
    def decay(self, step: Any, steps: int, ops: Any) -> Any:
        every = max(in_steps(self.every, steps), 1)
        return ops.power(self.rate, step / every)
