"""Teacher forcing as code: how often a network that writes is fed the true token in training, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kpipe.eject.training.loop.schedules import every
from kpipe.eject.words import call, literal
from kpipe.training.fit import Fit
from kpipe.training.schedules.schedule import Schedule


def cosine(found: Any, _: int) -> str:
    fall = "0.5 * (1.0 + math.cos(math.pi * epoch / EPOCHS))"
    return fall if found.alpha == 0 else f"{found.alpha!r} + {1.0 - found.alpha!r} * {fall}"


SHARES: Mapping[str, Callable[[Any, int], str]] = {
    "constant": lambda *_: "1.0",
    "cosine": cosine,
    "exponential": lambda found, steps: f"{found.rate!r} ** (epoch * EACH / {every(found, steps)})",
    "linear": lambda found, _: f"1.0 - {1.0 - found.end!r} * epoch / EPOCHS",
    "step": lambda found, steps: f"{found.rate!r} ** (epoch * EACH // {every(found, steps)})",
}
"""The share of true tokens in an epoch of EACH steps, by the schedule's name."""


def share_of(method: Fit, layer: str, steps: int) -> tuple[str, str]:
    """A line that sets it once, and a callback ``forcing`` that sets it before each epoch: one of them, or none."""
    forcing, share = method.teacher_forcing, f"model.get_layer({literal(layer)}).share"
    if not isinstance(forcing, Schedule):
        return ("" if forcing == 1.0 else f"{share}.assign({forcing!r})"), ""
    each = "steps(x_train)" if method.steps_per_epoch is None else "STEPS"
    made = SHARES[forcing.type](forcing, steps).replace("EACH", each)
    return "", call(
        "forcing = keras.callbacks.LambdaCallback", [f"on_epoch_begin=lambda epoch, _: {share}.assign({made})"]
    )
