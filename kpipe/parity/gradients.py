"""Gradients: what the optimizer is given in a step, on any backend, without a word of the backend's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from typing_extensions import override

from kpipe.parity.measurement import numbered
from kpipe.training.loop import compiling
from kpipe.training.loop.state import copies


class Noted(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Keeps the gradients, and changes no weight."""

    def __init__(self) -> None:
        super().__init__(learning_rate=1.0, name="noted")

    @override
    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.kept = [self.add_variable_from_reference(variable, name="kept") for variable in variables]

    @override
    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        self.assign(self.kept[self._get_variable_index(variable)], gradient)


def gradients_of(model: keras.Model, batch: Sequence[Any]) -> dict[str, np.ndarray]:
    """Of the training loss on one batch, by variable: a step of Keras's own, compiled as the others are.

    The model's state is changed by it, the optimizer's is not.
    """
    optimizer = model.optimizer
    noted = Noted()
    noted.build(model.trainable_variables)
    if keras.backend.backend() == "tensorflow":
        compiling.make_gradients_dense(noted)
    model.optimizer, model.train_function = noted, None
    try:
        model.train_on_batch(*batch)
    finally:
        model.optimizer, model.train_function = optimizer, None
    names = numbered([variable.path for variable in model.trainable_variables])
    return dict(zip(names, copies(noted.kept), strict=True))
