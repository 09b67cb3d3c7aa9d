"""What NumPy draws: distributed as what Keras's own initializers draw, and the orthogonal matrices as in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpipe.initial_weights.draws import filled, normal, truncated, uniform

INITIALIZERS: dict[str, dict[str, Any]] = {
    "GlorotUniform": {},
    "GlorotNormal": {},
    "HeUniform": {},
    "HeNormal": {},
    "LecunUniform": {},
    "LecunNormal": {},
    "VarianceScaling": {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal"},
    "RandomUniform": {"minval": -0.3, "maxval": 0.1},
    "RandomNormal": {"mean": 2.0, "stddev": 0.5},
    "TruncatedNormal": {"mean": -1.0, "stddev": 0.2},
}
SHAPES = st.sampled_from([(45, 60), (3, 2, 9, 50), (2_700,)])
"""Few, as JAX compiles what Keras draws for each; (2_700,) has as many numbers as the others."""


def made(initializer: Any, shape: tuple[int, ...], dtype: str = "float32", keyed_by: int | None = None) -> np.ndarray:
    """A variable's first values: kpipe's by a seed, or Keras's."""
    import keras

    from kpipe.initial_weights.keyed import keyed

    if keyed_by is None:
        variable = keras.Variable(initializer, shape, dtype, name="weight")
    else:
        with keyed(keyed_by):
            variable = keras.Variable(initializer, shape, dtype, name="weight")
    return np.array(keras.ops.convert_to_numpy(variable))


@pytest.mark.parametrize("name", INITIALIZERS)
@settings(max_examples=3, deadline=None, derandomize=True)
@given(shape=SHAPES, seed=st.integers(0, 2**32 - 1))
def test_distributed_as_in_keras(backend: str, name: str, shape: tuple[int, ...], seed: int) -> None:
    import keras

    def initializer() -> Any:
        return getattr(keras.initializers, name)(**INITIALIZERS[name])

    ours, theirs = made(initializer(), shape, keyed_by=seed), made(initializer(), shape)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype) == (shape, np.float32)
    spread, number = theirs.std(), ours.size
    assert abs(ours.mean() - theirs.mean()) < 6 * spread * (2 / number) ** 0.5
    assert ours.std() == pytest.approx(spread, rel=6 / number**0.5)
    if "Uniform" in name or "runcated" in name or (name.endswith("Normal") and name != "RandomNormal"):
        room = 0.05 * float(theirs.max() - theirs.min())  # these have ends
        assert [ours.min(), ours.max()] == pytest.approx([theirs.min(), theirs.max()], abs=room)


def test_the_whole_of_each_distribution() -> None:
    from scipy import stats

    def drawn(of: Any, *parameters: float) -> np.ndarray:
        generator = np.random.Generator(np.random.Philox(key=7))
        return filled((200_000,), np.dtype("float64"), of(generator, *parameters))

    assert stats.kstest(drawn(uniform, -1.0, 3.0), stats.uniform(-1, 4).cdf).pvalue > 0.01
    assert stats.kstest(drawn(normal, 1.0, 2.0), stats.norm(1, 2).cdf).pvalue > 0.01
    assert stats.kstest(drawn(truncated, 1.0, 2.0), stats.truncnorm(-2, 2, 1, 2).cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("layer", "taken"),
    [
        ("Dense", (None, 60)),
        ("Conv1D", (None, 20, 30)),
        ("Conv2D", (None, 9, 9, 16)),
        ("DepthwiseConv2D", (None, 9, 9, 200)),
        ("Embedding", (None, 7)),
        ("LSTM", (None, 5, 30)),
        ("GRU", (None, 5, 30)),
        ("EinsumDense", (None, 5, 32)),
    ],
)
def test_fans_of_layers_are_those_of_keras(backend: str, layer: str, taken: tuple[int | None, ...]) -> None:
    import keras

    from kpipe.initial_weights.keyed import keyed

    settings = {
        "Dense": {"units": 50}, "Conv1D": {"filters": 40, "kernel_size": 3},
        "Embedding": {"input_dim": 90, "output_dim": 30},
        "Conv2D": {"filters": 24, "kernel_size": 3}, "DepthwiseConv2D": {"kernel_size": 4}, "LSTM": {"units": 25},
        "GRU": {"units": 25}, "EinsumDense": {"equation": "btf,fhk->bthk", "output_shape": (None, 4, 20)},
    }[layer]  # fmt: skip

    def built() -> list[Any]:
        made = getattr(keras.layers, layer)(**settings, name="layer")
        made.build(taken)
        return list(made.weights)

    with keyed(3):
        ours = built()
    for our, their in zip(ours, built(), strict=True):
        own, other = (np.array(keras.ops.convert_to_numpy(found)) for found in (our, their))
        assert own.std() == pytest.approx(other.std(), rel=0.1), our.path
        assert np.abs(own).max() == pytest.approx(np.abs(other).max(), rel=0.25), our.path


@pytest.mark.parametrize("shape", [(40, 10), (10, 40), (30, 30), (3, 3, 8, 16), (2, 200), (1, 5), (5, 1)])
def test_orthogonal_matrices_are_those_of_keras_formula(backend: str, shape: tuple[int, ...]) -> None:
    import keras

    from kpipe.initial_weights.draws import orthogonal

    def generator() -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=11))

    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    q, r = np.linalg.qr(generator().standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))
    expected = 2 * np.reshape(q.T if rows < columns else q, shape)
    found = orthogonal(keras.initializers.Orthogonal(gain=2.0), shape, generator(), np.dtype("float64"))
    np.testing.assert_allclose(found, expected, atol=1e-10)
    flat = made("orthogonal", shape, keyed_by=1).reshape(rows, columns).astype("float64")
    gram = flat.T @ flat if rows >= columns else flat @ flat.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_square_matrices_are_orthogonal_however_they_are_drawn(seed: int) -> None:
    from types import SimpleNamespace

    from kpipe.initial_weights.draws import orthogonal

    generator = np.random.Generator(np.random.Philox(key=seed))
    q = orthogonal(SimpleNamespace(gain=1.0), (60, 60), generator, np.dtype("float64"))
    np.testing.assert_allclose(q.T @ q, np.eye(60), atol=1e-10)


@pytest.mark.parametrize("name", [*INITIALIZERS, "Orthogonal"])
def test_other_precisions_round_the_same_numbers(backend: str, name: str) -> None:
    import keras

    initializer = getattr(keras.initializers, name)(**INITIALIZERS.get(name, {}))
    exact = made(initializer, (30, 40), keyed_by=5)
    for dtype, digits in (("float16", 2**-10), ("bfloat16", 2**-7)):
        rounded = made(initializer, (30, 40), dtype, keyed_by=5).astype("float32")
        np.testing.assert_allclose(rounded, exact, rtol=digits, atol=1e-6)
    if backend != "jax":  # which has float64 only when it is told so before it starts: test_same_start.py
        np.testing.assert_allclose(made(initializer, (30, 40), "float64", keyed_by=5), exact, rtol=1e-6, atol=1e-7)
