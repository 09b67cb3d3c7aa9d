"""Constant: the same learning rate throughout."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import override

from kpipe.training.schedules.schedule import Schedule


class Constant(Schedule):
    """The peak throughout, after an optional warm-up.

    factor = 1.

    Example:
        schedule: {type: constant, warmup: 100}
    """

    type: Literal["constant"] = "constant"

    @override
    def decay(self, step: Any, steps: int, ops: Any) -> Any:
        return ops.ones_like(step)
