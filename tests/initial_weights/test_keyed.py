"""What an initial weight depends on, and what is refused."""

from __future__ import annotations

import inspect
import random
from typing import Any

import numpy as np
import pytest

from kpipe.errors import WrongInput


def first(*layers: Any, seed: int = 0) -> dict[str, np.ndarray]:
    """The weights of the layers that these functions make, by path, as they are at first."""
    import keras

    from kpipe.initial_weights.keyed import keyed

    with keyed(seed):
        x = inputs = keras.Input((6, 8))
        for make in layers:
            x = make()(x)
        model = keras.Model(inputs, x)
    return {weight.path: np.array(keras.ops.convert_to_numpy(weight)) for weight in model.weights}


def dense(name: str | None = "dense", initializer: Any = "glorot_uniform") -> Any:
    import keras

    return lambda: keras.layers.Dense(8, kernel_initializer=initializer, name=name)


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all((one[path] == other[path]).all() for path in one)


def test_seed_and_path_decide_and_nothing_else(backend: str) -> None:
    import keras

    alone = first(dense("second"))["second/kernel"]
    both = first(dense("first"), dense("second"))
    keras.layers.Dense(3).build((None, 4))
    random.seed(99)  # from which Keras seeds its initializers
    assert (first(dense("first"), dense("second"))["second/kernel"] == both["second/kernel"]).all()
    assert (both["second/kernel"] == alone).all()
    assert (both["first/kernel"] != both["second/kernel"]).all()
    assert (first(dense("second"), seed=1)["second/kernel"] != alone).all()


def test_layers_without_names_begin_alike_each_time(backend: str) -> None:
    import keras

    def some() -> list[Any]:
        attention = keras.layers.MultiHeadAttention
        return [
            dense(None),
            lambda: lambda x: attention(2, 4)(x, x),
            lambda: keras.layers.Bidirectional(keras.layers.LSTM(4)),
            lambda: keras.layers.BatchNormalization(renorm=True),
        ]

    before = keras.layers.Dense(3).name
    one = first(*some(), dense(None))
    assert same(one, first(*some(), dense(None)))
    assert {"dense/kernel", "dense_1/kernel", "multi_head_attention/query/kernel"} < one.keys()
    assert keras.layers.Dense(3).name not in {before, "dense", "dense_1"}  # no name is given twice


def test_biases_that_lstm_puts_together_are_drawn_too(backend: str) -> None:
    import keras

    def lstm() -> Any:
        return keras.layers.LSTM(5, bias_initializer="random_normal", name="lstm")

    bias = first(lstm)["lstm/lstm_cell/bias"]
    assert (bias == first(lstm)["lstm/lstm_cell/bias"]).all()
    assert (bias[5:10] == 1).all()
    assert len(set(bias)) == 16


def test_an_initializers_own_seed_counts_instead(backend: str) -> None:
    import keras

    def seeded(seed: Any) -> Any:
        return keras.initializers.HeNormal(seed=seed)

    found = first(dense("a", seeded(3)), dense("b", seeded(3)), dense("c", seeded(4)))
    assert (found["a/kernel"] == found["b/kernel"]).all()
    assert (found["a/kernel"] != found["c/kernel"]).all()
    assert same(found, first(dense("a", seeded(3)), dense("b", seeded(3)), dense("c", seeded(4)), seed=7))
    shared = seeded(keras.random.SeedGenerator(3))
    drawn = first(dense("a", shared), dense("b", shared))
    assert (drawn["a/kernel"] != drawn["b/kernel"]).all()
    assert same(drawn, first(dense("a", shared), dense("b", shared), seed=7))


def test_initializers_without_chance_remain(backend: str) -> None:
    import keras

    identity, constant = keras.initializers.Identity(2.0), keras.initializers.Constant(0.5)
    table = np.arange(64.0).reshape(8, 8)
    found = first(dense("a", identity), dense("b", constant), dense("c", keras.ops.convert_to_tensor(table)))
    assert (found["a/kernel"] == 2 * np.eye(8)).all()
    assert (found["b/kernel"] == 0.5).all()
    assert (found["c/kernel"] == table).all()
    assert (found["a/bias"] == 0).all()


def test_an_initializer_of_ones_own_draws_from_numpy_or_is_refused(backend: str) -> None:
    import keras

    class Own(keras.initializers.Initializer):
        def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
            return generator.laplace(size=shape)

    class Louder(keras.initializers.GlorotUniform):
        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            return 2 * keras.random.uniform(shape, dtype=dtype)

    class Renamed(keras.initializers.GlorotUniform):
        pass

    assert same(first(dense("a", Own())), first(dense("a", Own())))
    assert same(first(dense("a", Renamed())), first(dense("a")))
    with pytest.raises(
        WrongInput, match=r"Louder.*initializer of `a/kernel`, is unknown.*\n.*draw\(shape, generator\)"
    ):
        first(dense("a", Louder()))
    with pytest.raises(WrongInput, match=r"lambda.*is unknown"):
        first(dense("a", lambda shape, dtype: keras.random.normal(shape, dtype=dtype)))


def test_two_weights_of_one_path_are_refused(backend: str) -> None:
    import keras

    class Two(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            for _ in range(2):
                self.add_weight(shape=(3, 3), initializer="glorot_uniform", name="kernel")

        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(WrongInput, match="two variables of the model have the path `two/kernel`"):
        first(lambda: Two(name="two"))


def test_keras_is_left_as_it_was(backend: str) -> None:
    import keras

    def parts() -> list[Any]:
        kinds = [keras.initializers.VarianceScaling, keras.initializers.Orthogonal, keras.initializers.RandomNormal]
        einsum = keras.layers.EinsumDense._update_kernel_initializer
        return [keras.Variable._initialize_with_initializer, einsum, *(kind.__call__ for kind in kinds)]

    before = parts()
    first(dense())
    with pytest.raises(WrongInput):
        first(dense("a", lambda shape, dtype: keras.ops.ones(shape, dtype)))
    assert parts() == before
    assert "_initialize_with_initializer" not in vars(keras.Variable)


def test_every_initializer_of_keras_is_known(backend: str) -> None:
    import keras

    from kpipe.initial_weights.draws import DRAWS
    from kpipe.initial_weights.keyed import CONSTANT

    kinds = {found for found in vars(keras.initializers).values() if inspect.isclass(found)}
    known = {getattr(keras.initializers, name).__call__ for name in (*DRAWS, *CONSTANT)}
    assert {kind.__name__ for kind in kinds if kind.__call__ not in known} == {"Initializer"}
    for kind in kinds:
        assert (keras.initializers.VarianceScaling in kind.__mro__) <= ("seed" in kind().get_config())
