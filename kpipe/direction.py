"""Direction: whether higher or lower is better, told by the name of what is measured."""

from __future__ import annotations

from typing import Literal

RISING = (
    "acc", "auc", "precision", "recall", "f1", "r2", "iou", "cosine", "top", "bleu", "chrf", "exact_match",
)  # fmt: skip
FALLING = (
    "loss", "error", "mae", "mse", "rmse", "mape", "mase", "crossentropy", "divergence", "hinge", "perplexity",
)  # fmt: skip


def direction_of(name: str) -> Literal["min", "max"] | None:
    """``min`` or ``max``; None where the name does not tell."""
    name = name.lower()
    if any(word in name for word in FALLING):
        return "min"
    return "max" if any(word in name for word in RISING) else None
