"""Averages: the exponential moving average of the weights that an optimizer with ``use_ema`` keeps."""

from __future__ import annotations

import keras
import numpy as np

from kpipe.training.loop.state import copies


class Averages:
    """The average takes the weights' place when the model is evaluated and when it is finished."""

    def __init__(self, optimizer: keras.optimizers.Optimizer) -> None:
        inner = getattr(optimizer, "inner_optimizer", optimizer)  # LossScaleOptimizer holds the real one
        self.pairs = (
            list(zip(inner._trainable_variables, inner._model_variables_moving_average, strict=True))
            if inner.use_ema
            else []
        )

    def swap(self) -> None:
        """Exchanges weights and averages; twice is as before."""
        for weight, average in self.pairs:
            weight_value, average_value = copies((weight, average))
            weight.assign(average_value)
            average.assign(weight_value)

    def install(self) -> None:
        """The averages become the weights, for good."""
        for weight, average in self.pairs:
            weight.assign(*copies((average,)))

    def raw(self) -> list[np.ndarray]:
        """The weights as they are trained."""
        return copies([weight for weight, _ in self.pairs])

    def put_back(self, raw: list[np.ndarray]) -> None:
        """Undoes what Keras does at the end of ``fit``: it puts the averages in the weights' place for good."""
        for (weight, _), value in zip(self.pairs, raw, strict=True):
            weight.assign(value)
