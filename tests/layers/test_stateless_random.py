"""Random numbers as a function of seed and place: the same bits on every backend, and random enough."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

STATES = [(0, 0), (1, 0), (1, 1), (2**31 - 1, 3), (123_456_789, 2**31 - 1)]


def mixed(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def reference(number: int, seed: int, count: int) -> np.ndarray:
    """The definition in NumPy's uint32, which wraps by the standard of C."""
    weyl = np.array([0x9E3779B9], "uint32")
    first = mixed(mixed(np.array([seed], "uint32")) + np.array([count], "uint32") * weyl)
    return mixed(mixed(np.arange(number, dtype="uint32") + first) + mixed(first + weyl))


def plain(tensor: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor))


@pytest.mark.parametrize("state", STATES)
def test_the_same_bits_on_every_backend(backend: str, state: tuple[int, int]) -> None:
    from kpipe.layers import stateless_random

    expected = reference(3_000, *state)
    found = plain(stateless_random.words((30, 100), np.array(state, "int32")))
    assert (found == expected.view("int32").reshape(30, 100)).all()
    drawn = plain(stateless_random.uniform((3_000,), np.array(state, "int32")))
    assert drawn.dtype == np.float32
    assert (drawn == (expected >> 8).astype("float64") / 2**24).all()


def test_normal_numbers_are_the_same_within_a_millionth(backend: str) -> None:
    from kpipe.layers import stateless_random

    found = plain(stateless_random.normal((100_000,), np.array([5, 2], "int32")))
    drawn = ((reference(200_000, 5, 2) >> 8).astype("float64") / 2**24).reshape(2, -1)
    angle = np.float32(2 * np.pi) * drawn[1].astype("float32")
    exact = np.sqrt(-2 * np.log1p(-drawn[0])) * np.cos(angle.astype("float64"))
    assert np.abs(found - exact).max() < 1e-6
    assert stats.kstest(found.astype("float64"), "norm").pvalue > 0.01


@pytest.mark.parametrize("state", STATES)
def test_random_enough_within_a_draw(state: tuple[int, int]) -> None:
    words = reference(2**20, *state)
    assert stats.kstest(words / 2**32, "uniform").pvalue > 1e-3
    for byte in range(4):
        counts = np.bincount((words >> (8 * byte)) & 0xFF, minlength=256)
        assert stats.chisquare(counts).pvalue > 1e-3
    centred = words / 2**32 - 0.5
    for lag in (1, 2, 3, 64, 128, 1024):
        assert abs(np.corrcoef(centred[:-lag], centred[lag:])[0, 1]) < 5 / 2**10
    pairs = np.bincount((words[::2] >> 28) * 16 + (words[1::2] >> 28), minlength=256)
    assert stats.chisquare(pairs).pvalue > 1e-3


def test_neighbouring_seeds_and_counts_share_nothing() -> None:
    drawn = np.stack([reference(2**14, seed, count) for seed in range(20) for count in range(20)])
    assert len(np.unique(drawn[:, :64])) == drawn[:, :64].size
    correlations = np.corrcoef(drawn / 2**32)
    np.fill_diagonal(correlations, 0)
    assert np.abs(correlations).max() < 6 / 2**7
    by_call = drawn[:, 0] / 2**32  # one place, over seeds and counts
    assert stats.kstest(by_call, "uniform").pvalue > 1e-3


def test_each_bit_of_the_seed_flips_half_of_the_bits() -> None:
    words = reference(2**12, 77, 5)
    for seed, count in [*((77 ^ 1 << bit, 5) for bit in range(31)), *((77, 5 ^ 1 << bit) for bit in range(31))]:
        flipped = np.bitwise_count(words ^ reference(2**12, seed, count)).mean()
        assert flipped == pytest.approx(16, abs=0.25)
