"""Schedule: what every course of the learning rate has in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any

from pydantic import Field

from kpipe.spec.spec import Component

Span = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0.0, le=1.0)]
"""A length of time: a whole number is steps, a number with a point is a fraction of the stage."""


def in_steps(span: int | float, steps: int) -> int:
    """``0.1`` of 200 steps is 20; ``20`` is 20."""
    return span if isinstance(span, int) else round(span * steps)


class Schedule(Component):
    """A course of the learning rate, as a factor of the optimizer's own ``learning_rate``, which is its peak.

    A step is a batch, also where ``gradient_accumulation_steps`` puts several batches into one update.
    """

    warmup: Span = Field(
        0, description="linear rise from almost 0 to the peak: whole steps, or a fraction of the stage in [0, 1]"
    )

    @abstractmethod
    def decay(self, step: Any, steps: int, ops: Any) -> Any:
        """The factor in [0, 1] at ``step`` (a float, from 0) of the ``steps`` that follow the warm-up.

        ``ops`` is ``numpy`` or ``keras.ops``: one formula serves pictures and training.
        """

    def factor(self, step: Any, steps: int, ops: Any) -> Any:
        """The factor in [0, 1] at ``step`` (a float, from 0) of a stage of ``steps``."""
        warmup = min(in_steps(self.warmup, steps), steps)
        rest = max(steps - warmup, 1)
        decayed = self.decay(ops.clip(step - warmup, 0.0, float(rest)), rest, ops)
        return ops.where(step < warmup, (step + 1.0) / (warmup + 1.0), decayed) if warmup else decayed
