"""A penalty on activations."""

from __future__ import annotations

import numpy as np
import pytest


def test_it_adds_the_mean_absolute_input_to_the_loss(backend: str) -> None:
    import keras

    from kpipe.layers.sparsity import Sparsity

    inputs = keras.Input((3,))
    model = keras.Model(inputs, Sparsity(0.5)(inputs))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    given = np.float32([[1, -2, 3], [0, 0, 6]])
    for rows in (given, np.tile(given, (4, 1))):  # neither batch size nor units change what it means
        assert model.evaluate(rows, rows, verbose=0, batch_size=8) == pytest.approx(0.5 * 2.0)
    again = Sparsity.from_config(Sparsity(0.5).get_config())
    assert again.penalty == 0.5
