"""TeacherForcing: how often a model that writes text is fed the true token in training, not its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from kpipe.errors import WrongInput
from kpipe.parts import parts_of
from kpipe.spec.one_of import OneOf
from kpipe.training.schedules.schedule import Schedule

if TYPE_CHECKING:
    import keras

Share = Annotated[float, Field(ge=0.0, le=1.0)]
TeacherForcing = Share | Annotated[Schedule, OneOf("kpipe.training.schedules")]
"""The same share throughout, or its course: what a schedule makes of 1 over the epochs."""


def share_of(forcing: TeacherForcing, epoch: int, epochs: int, steps: int) -> float:
    """The share in [0, 1] of an epoch (from 0) of ``epochs``, each of ``steps``: the schedule's at its first step."""
    if not isinstance(forcing, Schedule):
        return forcing
    import numpy as np

    return float(forcing.factor(np.float64(epoch * steps), epochs * steps, np))


def put_into(model: keras.Model, forcing: TeacherForcing) -> Callable[[int, int, int], None] | None:
    """Readies a model, before it is compiled; returns what to call with (epoch, epochs, steps) before each epoch.

    Raises: WrongInput: the model cannot be trained on its own tokens, and is to be.
    """
    writer = parts_of(model).teacher_forcing
    if writer is None:
        if forcing != 1.0:
            raise WrongInput(
                f"train.teacher_forcing: the model `{model.name}` cannot be trained on its own tokens", "leave it out"
            )
        return None
    writer.sampling = forcing != 1.0
    variable = writer.teacher_forcing
    return lambda epoch, epochs, steps: variable.assign(share_of(forcing, epoch, epochs, steps))
