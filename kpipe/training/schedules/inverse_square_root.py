"""InverseSquareRoot: the Transformer's own warm-up and fall."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from typing_extensions import override

from kpipe.training.schedules.schedule import Schedule, Span, in_steps


class InverseSquareRoot(Schedule):
    """The learning rate rises in a straight line, then falls with the inverse square root of the step.

    factor = min(n / w, sqrt(w / n)), n = step + 1, w = warmup + 1: as elsewhere, the peak is the step that follows the
    warm-up. The paper's own rate has the peak 1 / sqrt(width w): 7.0e-4 for a width of 512 and 4,000 steps.

    Example:
        schedule: {type: inverse_square_root, warmup: 4000}
    Reference:
        Vaswani et al., 2017, Attention is all you need, section 5.3.
    """

    type: Literal["inverse_square_root"] = "inverse_square_root"
    warmup: Span = Field(
        4000, description="linear rise from almost 0 to the peak: whole steps, or a fraction of the stage in [0, 1]"
    )

    @override
    def decay(self, step: Any, steps: int, ops: Any) -> Any:
        return 1.0 / ops.sqrt(step + 1.0)

    @override
    def factor(self, step: Any, steps: int, ops: Any) -> Any:
        # how fast it falls depends on the warm-up, so the two cannot be told apart as elsewhere
        warmup = min(in_steps(self.warmup, steps), steps) + 1.0
        return ops.minimum((step + 1.0) / warmup, warmup**0.5 * self.decay(step, steps, ops))
