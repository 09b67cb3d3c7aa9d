"""Sampling: what may be drawn, how often, and that the seed decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kpipe.decoding.greedy import Greedy
from kpipe.decoding.sampling import Sampling
from kpipe.tokenization.special import PADDING, START, UNKNOWN

LOGITS = np.log([0.4, 0.3, 0.2, 0.1]).astype("float32")


def listed(tokens: list[np.ndarray]) -> list[list[int]]:
    return [[int(token) for token in row] for row in tokens]


def drawn(backend: str, draws: np.ndarray, **fields: Any) -> list[int]:
    """The token of four for each number drawn."""
    import keras

    from kpipe.decoding.loop.search import Step

    rows = len(draws)
    logits = keras.ops.convert_to_tensor(np.tile(LOGITS, (rows, 1)))
    column = keras.ops.convert_to_tensor(draws.astype("float32")[:, None])
    flags = keras.ops.zeros((rows,), "bool")
    choice = Sampling(**fields).search().choose(Step(logits, 0, flags, flags, column), ())
    return [int(token) for token in keras.ops.convert_to_numpy(choice.tokens)]


def test_a_number_drawn_falls_into_a_token_by_its_probability(backend: str) -> None:
    assert drawn(backend, np.array([0.0, 0.39, 0.41, 0.69, 0.71, 0.89, 0.91, 0.9999])) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_top_k_keeps_the_most_probable(backend: str) -> None:
    assert drawn(backend, np.array([0.0, 0.56, 0.58, 0.9999]), top_k=2) == [0, 0, 1, 1]  # 4/7 = 0.571
    assert drawn(backend, np.array([0.0, 0.9999]), top_k=1) == [0, 0]
    assert drawn(backend, np.array([0.9999]), top_k=100) == [3]


def test_top_p_keeps_the_fewest_that_together_have_it(backend: str) -> None:
    assert set(drawn(backend, np.linspace(0, 0.999, 50), top_p=0.65)) == {0, 1}
    assert set(drawn(backend, np.linspace(0, 0.999, 50), top_p=0.75)) == {0, 1, 2}
    assert set(drawn(backend, np.linspace(0, 0.999, 50), top_p=1e-6)) == {0}
    assert set(drawn(backend, np.linspace(0, 0.999, 50), top_p=1.0)) == {0, 1, 2, 3}


def test_temperature_sharpens_and_flattens(backend: str) -> None:
    grid = np.linspace(0, 0.9999, 1000)
    share = {heat: np.mean(np.array(drawn(backend, grid, temperature=heat)) == 0) for heat in (0.5, 1.0, 2.0)}
    squares = LOGITS.astype("float64") * 2
    assert share[0.5] == pytest.approx(np.exp(squares[0]) / np.exp(squares).sum(), abs=0.005)
    assert share[1.0] == pytest.approx(0.4, abs=0.005)
    assert share[2.0] < 0.36


def test_the_seed_alone_decides(model_of: Any, signature: Any, sources: np.ndarray) -> None:
    model, spec = model_of(), Sampling()
    once = spec.decode(model, [{"source": sources}], signature, seed=5)
    parts = [{"source": sources[start : start + 2]} for start in range(0, len(sources), 2)]
    assert listed(spec.decode(model, parts, signature, seed=5)) == listed(once)
    assert listed(spec.decode(model, [{"source": sources}], signature, seed=6)) != listed(once)
    assert not np.isin(np.concatenate(once), [PADDING, UNKNOWN, START]).any()


def test_equal_examples_get_texts_of_their_own(model_of: Any, signature: Any, sources: np.ndarray) -> None:
    same = np.repeat(sources[:1], 8, axis=0)
    texts = listed(Sampling(temperature=3.0).decode(model_of(), [{"source": same}], signature))
    assert len({tuple(text) for text in texts}) > 1


def test_cold_it_is_greedy(model_of: Any, signature: Any, sources: np.ndarray) -> None:
    model = model_of()
    cold = Sampling(temperature=1e-3).decode(model, [{"source": sources}], signature)
    assert listed(cold) == listed(Greedy().decode(model, [{"source": sources}], signature))


def test_every_backend_draws_the_same(model_of: Any, signature: Any, sources: np.ndarray) -> None:
    found = Sampling(temperature=1.5).decode(model_of(), [{"source": sources}], signature, seed=7)
    assert listed(found) == [
        [8, 10], [4, 6], [7, 11, 4, 11, 6, 8, 6, 10], [4], [4, 8, 4, 11, 4], [], [10, 10, 9, 5, 5],
    ]  # fmt: skip
