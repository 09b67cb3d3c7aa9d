"""Cosine: slow, fast, slow."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field
from typing_extensions import override

from kpipe.training.schedules.schedule import Schedule


class Cosine(Schedule):
    """The learning rate falls along half a cosine to the end of the stage.

    factor = alpha + (1 - alpha) (1 + cos(pi step / steps)) / 2.

    Example:
        schedule: {type: cosine, warmup: 0.05}
    Reference:
        Loshchilov and Hutter, 2017, SGDR: Stochastic Gradient Descent with Warm Restarts.
    """

    type: Literal["cosine"] = "cosine"
    alpha: float = Field(0.0, ge=0.0, le=1.0, description="the fraction of the peak it ends at, in [0, 1]")

    @override
    def decay(self, step: Any, steps: int, ops: Any) -> Any:
        return self.alpha + (1.0 - self.alpha) * 0.5 * (1.0 + ops.cos(math.pi / steps * step))
