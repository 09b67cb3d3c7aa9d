"""Schedules of the learning rate as code: the formula of each, with its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kpipe.eject.section import Section, cannot
from kpipe.training.schedules.schedule import Schedule, in_steps


def cosine(found: Any, _: int) -> str:
    fall = "0.5 * (1.0 + ops.cos(math.pi / DECAY_STEPS * step))"
    return fall if found.alpha == 0 else f"{found.alpha!r} + {1.0 - found.alpha!r} * {fall}"


def every(found: Any, rest: int) -> int:
    return max(in_steps(found.every, rest), 1)


FALLS: Mapping[str, Callable[[Any, int], str]] = {
    "constant": lambda *_: "ops.ones_like(step)",
    "cosine": cosine,
    "exponential": lambda found, rest: f"ops.power({found.rate!r}, step / {every(found, rest)})",
    "linear": lambda found, _: f"1.0 - {1.0 - found.end!r} / DECAY_STEPS * step",
    "step": lambda found, rest: f"ops.power({found.rate!r}, ops.floor(step / {every(found, rest)}))",
}
"""The share of the peak at ``step`` of those that follow the warm-up, by the schedule's name."""

FALLING = '''class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate: {words}."""

    def __call__(self, step):
        step = ops.clip(ops.cast(step, "float32"), 0.0, DECAY_STEPS)
        return LEARNING_RATE * ({fall})
'''

RISING_FIRST = '''class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate: straight up to its peak, then {words}."""

    def __call__(self, step):
        all_steps = ops.cast(step, "float32")
        step = ops.clip(all_steps - WARMUP_STEPS, 0.0, DECAY_STEPS)
        falling = {fall}
        return LEARNING_RATE * ops.where(all_steps < WARMUP_STEPS, (all_steps + 1.0) / (WARMUP_STEPS + 1.0), falling)
'''

LIKE_THE_PAPERS = '''class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate: straight up to its peak, then down with the inverse square root of the step."""

    def __call__(self, step):
        step = ops.cast(step, "float32") + 1.0
        return LEARNING_RATE * ops.minimum(step / WARMUP_STEPS, WARMUP_STEPS**0.5 * (1.0 / ops.sqrt(step)))
'''

WORDS: Mapping[str, str] = {
    "constant": "always the same",
    "cosine": "along half a cosine",
    "exponential": "down by the same factor in each step",
    "linear": "straight down",
    "step": "down a stair",
}


def write(schedule: Schedule, steps: int) -> Section:
    """A class for Keras's optimizers, over so many steps. Raises: WrongInput: the schedule cannot be written."""
    warmup = min(in_steps(schedule.warmup, steps), steps)
    if schedule.type == "inverse_square_root":
        return Section(LIKE_THE_PAPERS, ("from keras import ops",), (f"WARMUP_STEPS = {warmup + 1}",))
    if schedule.type not in FALLS:
        raise cannot(f"train.schedule: `{schedule.type}`", f"what can: {', '.join(FALLS)}, inverse_square_root")
    rest = max(steps - warmup, 1)
    code = RISING_FIRST if warmup else FALLING
    constants = [f"WARMUP_STEPS = {warmup}"] * bool(warmup) + [f"DECAY_STEPS = {rest}"]
    filled = code.format(words=WORDS[schedule.type], fall=FALLS[schedule.type](schedule, rest))
    imports = ("from keras import ops",) + ("import math",) * ("math." in filled)
    return Section(filled, imports, tuple(constants))
