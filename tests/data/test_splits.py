"""Sequences of different lengths: padded right, in few shapes, with little padding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpipe.data.preparation.ragged import Ragged, join
from kpipe.data.splits import NUM_BUCKETS, ROUND, WORTH, RaggedSplit, bounds_of, buckets_of, split_of

Lengths = st.lists(st.integers(0, 60), min_size=1, max_size=60)


def sequences(lengths: list[int], first: int = 1) -> list[list[int]]:
    """Of each length one, all numbers different."""
    starts = itertools.accumulate(lengths, initial=first)
    return [list(range(start, start + length)) for start, length in zip(starts, lengths, strict=False)]


def two_columns(lengths: list[int]) -> RaggedSplit:
    """Tokens, and twice as many tags; beside them a class and a number."""
    count = len(lengths)
    split = split_of(
        {
            "tokens": Ragged.of(sequences(lengths), 0),
            "tags": Ragged.of(sequences([2 * length for length in lengths]), -1),
            "class": np.arange(count, dtype=np.int32),
            "number": np.arange(count, dtype=np.float32),
        }
    )
    assert isinstance(split, RaggedSplit)
    return split


@given(Lengths)
def test_every_example_is_in_exactly_one_group(lengths: list[int]) -> None:
    split = two_columns(lengths)
    assert 1 <= len(split.groups) <= NUM_BUCKETS
    assert sorted(np.concatenate(split.groups).tolist()) == list(range(len(lengths)))


@given(Lengths)
def test_batches_of_a_group_have_one_shape_and_hold_every_step_then_padding(lengths: list[int]) -> None:
    split = two_columns(lengths)
    for group in split.groups:
        shapes = set()
        for index in group:
            batch = split.take(np.array([index, -1]))
            shapes.add((batch["tokens"].shape, batch["tags"].shape))
            for name, factor, padding in (("tokens", 1, 0), ("tags", 2, -1)):
                row, length = batch[name][0], factor * lengths[index]
                np.testing.assert_array_equal(row[:length], split.columns[name].at(index))  # type: ignore[union-attr]
                assert (row[length:] == padding).all()
                assert row.dtype == np.int32
        assert len(shapes) == 1


@given(Lengths, st.lists(st.integers(-1, 10**6), min_size=1, max_size=20))
def test_negative_indices_are_examples_that_are_not_there(lengths: list[int], drawn: list[int]) -> None:
    split = two_columns(lengths)
    indices = np.array([index if index < 0 else index % len(lengths) for index in drawn])
    batch = split.take(indices)
    gone = indices < 0
    assert (batch["tokens"][gone] == 0).all()
    assert (batch["tags"][gone] == -1).all()
    assert (batch["class"][gone] == -1).all()
    assert np.isnan(batch["number"][gone]).all()
    np.testing.assert_array_equal(batch["class"][~gone], indices[~gone])
    np.testing.assert_array_equal((batch["tokens"] != 0).sum(axis=1)[~gone], np.array(lengths)[indices[~gone]])


@given(Lengths)
def test_padding_is_least_with_so_few_lengths(lengths: list[int]) -> None:
    bounds = bounds_of(np.array(lengths))
    top = -(-max(*lengths, 1) // ROUND) * ROUND
    others = range(ROUND, top, ROUND)

    def steps(chosen: tuple[int, ...]) -> int:
        return sum(min(bound for bound in chosen if bound >= length) for length in lengths)

    best = min(
        steps((*chosen, top)) for number in range(NUM_BUCKETS) for chosen in itertools.combinations(others, number)
    )
    assert bounds == sorted(set(bounds))
    assert bounds[-1] == top
    assert len(bounds) <= NUM_BUCKETS
    assert steps(tuple(bounds)) <= best + WORTH * steps((top,))


def test_a_few_short_ones_get_no_shape_of_their_own() -> None:
    assert bounds_of(np.array([128] * 500 + [77])) == [128]
    assert bounds_of(np.array([10] * 500 + [300])) == [12, 300]


def test_very_long_sequences_need_little_memory() -> None:
    bounds = bounds_of(np.random.default_rng(0).integers(1, 500_000, 2000))
    assert len(bounds) == NUM_BUCKETS
    assert bounds[-1] >= 499_000


def test_all_splits_are_padded_alike() -> None:
    parts = [{"tokens": Ragged.of(sequences(lengths), 0)} for lengths in ([1, 2, 3], [30], [12, 12])]
    buckets = buckets_of(*parts)
    shapes = {split_of(part, buckets).take(np.array([0])).popitem()[1].shape[1] for part in parts}  # type: ignore[attr-defined]
    assert shapes <= {bucket.lengths["tokens"] for bucket in buckets}
    assert split_of(parts[1], buckets).take(np.array([0]))["tokens"].shape[1] >= 30


@given(Lengths, Lengths)
def test_joined_and_chosen_sequences_stay_whole(one: list[int], other: list[int]) -> None:
    parts = [Ragged.of(sequences(one), 0), Ragged.of(sequences(other, first=10_000), 0)]
    joined = join(parts)
    assert isinstance(joined, Ragged)
    both = [*sequences(one), *sequences(other, first=10_000)]
    assert [joined.at(index).tolist() for index in range(len(joined))] == both
    order = np.random.default_rng(0).integers(0, len(both), 7)
    assert [joined[order].at(place).tolist() for place in range(7)] == [both[index] for index in order]


@pytest.mark.parametrize("length", [1, 3, 8])
def test_padded_to_less_than_its_length_a_sequence_is_cut(length: int) -> None:
    row = Ragged.of([[5, 6, 7, 8]], 0).padded(np.array([0]), length)[0]
    assert row.tolist() == [5, 6, 7, 8, 0, 0, 0, 0][:length]
