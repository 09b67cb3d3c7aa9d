"""EarlyStopping: what is watched to tell the best epoch, and when to give up."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from kpipe.direction import direction_of
from kpipe.errors import WrongInput
from kpipe.spec.spec import Spec


class EarlyStopping(Spec):
    """Stops when what is watched has not improved for some epochs."""

    monitor: str = Field("val_loss", description="what is watched: loss or a metric; `val_` before it: on validation")
    mode: Literal["auto", "min", "max"] = Field(
        "auto", description="better is lower (min) or higher (max); auto: by name"
    )
    patience: int = Field(5, ge=1, description="epochs without an improvement after which training stops")
    min_delta: float = Field(0.0, ge=0.0, description="an improvement is more than this, in the unit of `monitor`")

    def sign(self) -> int:
        """1 when higher is better, -1 when lower is. Raises: WrongInput: auto, and the name does not tell."""
        if self.mode != "auto":
            return 1 if self.mode == "max" else -1
        if direction := direction_of(self.monitor):
            return 1 if direction == "max" else -1
        raise WrongInput(
            f"train.early_stopping.mode: `{self.monitor}` does not tell whether higher or lower is better",
            "set `mode: max` or `mode: min`",
        )

    def better(self, value: float, than: float | None) -> bool:
        """``value`` is an improvement on ``than``, which is None at first."""
        return than is None or math.isnan(than) or self.sign() * (value - than) > self.min_delta
