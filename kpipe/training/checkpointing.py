"""Checkpointing: how often a stage is saved, and how many of its checkpoints are kept."""

from __future__ import annotations

from pydantic import Field

from kpipe.spec.spec import Spec


class Checkpointing(Spec):
    """When a run is saved, so that it can go on.

    At the end of each epoch, within long epochs by the clock, and at the end of a stage. What is not asked for by
    `every_steps` is left out for a while where saving took more than 1 % of the time.
    """

    every_steps: int | None = Field(
        None,
        ge=1,
        description="steps of a stage after which it is saved, whatever that costs; by default by time alone",
    )
    every_minutes: float = Field(
        1.0,
        gt=0.0,
        description="minutes between two checkpoints within an epoch, at least, and more where they are dear",
    )
    keep: int = Field(2, ge=1, le=1000, description="checkpoints of a stage that are kept: the last so many")
