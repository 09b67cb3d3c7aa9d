"""What a model is compiled with."""

from __future__ import annotations

import numpy as np
import pytest


class Everywhere(set):
    """Addresses of what a layer added before: all there are, until they are forgotten."""

    forgotten = False

    def __contains__(self, address: object) -> bool:
        return not self.forgotten or super().__contains__(address)

    def clear(self) -> None:
        self.forgotten = True
        super().clear()


def test_a_penalty_counts_when_it_lies_where_an_old_one_was(backend: str) -> None:
    import keras

    from kpipe.layers.sparsity import Sparsity
    from kpipe.training.loop.compiling import compile_model

    inputs = keras.Input((2,), name="inputs")
    first, second = Sparsity(1.0, name="first"), Sparsity(10.0, name="second")
    between = keras.layers.Dense(2, kernel_initializer="identity", name="between")
    model = keras.Model(inputs, second(between(first(inputs))))
    for _ in range(2):  # each stage compiles anew
        compile_model(model, keras.optimizers.SGD(0.0), keras.losses.MeanSquaredError(), [])
    rows = np.ones((3, 2), "float32")
    object.__setattr__(second, "_loss_ids", Everywhere())
    assert float(model.train_on_batch(rows, rows)) == pytest.approx(11.0)
    object.__setattr__(second, "_loss_ids", Everywhere())
    assert float(model.test_on_batch(rows[:2], rows[:2])) == pytest.approx(11.0)
