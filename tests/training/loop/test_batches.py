from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpipe.data.splits import ArraySplit
from kpipe.signature import Feature, Signature, Target

ROWS = Signature(
    inputs=(Feature(name="x", kind="vector", shape=(1,), dtype="float32"),),
    target=Target(name="y", task="classes", names=("a", "b", "c")),
)


def rows(examples):
    return ArraySplit({"x": np.arange(examples, dtype="float32")[:, None], "y": np.arange(examples) % 3})


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 99), examples=st.integers(1, 300))
def test_an_epoch_is_a_permutation_that_its_key_decides(backend, seed, epoch, examples):
    from kpipe.training.loop.batches import order

    drawn = order(seed, 0, epoch, examples, examples)
    assert sorted(drawn) == list(range(examples))
    assert np.array_equal(drawn, order(seed, 0, epoch, examples, examples))


@settings(max_examples=40, deadline=None)
@given(examples=st.integers(1, 50), taken=st.integers(1, 200))
def test_an_epoch_of_another_length_goes_around_evenly(backend, examples, taken):
    from kpipe.training.loop.batches import order

    drawn = order(0, 0, 0, examples, taken)
    counts = np.bincount(drawn, minlength=examples)
    assert len(drawn) == taken
    assert counts.max() - counts.min() <= 1


def test_orders_differ_by_epoch_stage_and_seed_and_are_the_same_everywhere(backend):
    from kpipe.training.loop.batches import order

    keys = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)]
    assert len({tuple(order(*key, 50, 50)) for key in keys}) == 4
    assert list(order(0, 0, 0, 10, 10)) == [1, 4, 0, 5, 8, 2, 3, 6, 7, 9]


@pytest.mark.parametrize("first", [0, 3, 11])
def test_batches_go_on_from_any_step_and_none_is_dropped(backend, first):
    from kpipe.training.loop.batches import Examined, Plan, ShuffledBatches, order

    plan = Plan(examples=10, batch_size=4, seed=5, stage=1)
    batches = ShuffledBatches(Examined(rows(10), ROWS), plan, first)
    expected = [
        order(5, 1, epoch, 10, 10)[begin : begin + 4].tolist() for epoch in range(6) for begin in range(0, 10, 4)
    ]
    found = [batches[index][0].ravel().tolist() for index in range(6)]
    assert plan.steps == 3
    assert found == expected[first : first + 6]
    assert batches.num_batches is None
    assert batches.workers == 1


def test_class_weights_become_weights_of_examples(backend):
    from kpipe.training.loop.batches import Examined

    inputs, target, weights = Examined(rows(5), ROWS, np.float32([1, 2, 3])).take(np.array([4, 0, 2]))
    assert inputs.tolist() == [[4], [0], [2]]
    assert target.tolist() == [1, 0, 2]
    assert weights.tolist() == [2, 1, 3]


def test_ordered_batches_end_with_a_short_one(backend):
    from kpipe.training.loop.batches import Examined, OrderedBatches

    batches = OrderedBatches(Examined(rows(10), ROWS), 4)
    assert [batches[index][0].ravel().tolist() for index in range(batches.num_batches)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
    ]


@given(examples=st.integers(1, 5000), batch_size=st.integers(1, 512))
def test_even_batches_leave_no_rest_where_there_is_such_a_size(backend, examples, batch_size):
    from kpipe.training.loop.batches import even_batch_size

    size = even_batch_size(examples, batch_size)
    assert 1 <= size <= max(4 * batch_size, 1)
    sizes = range(batch_size // 2 + 1, 4 * batch_size + 1)
    assert examples % size == 0 or not any(examples % one == 0 for one in sizes)


def test_validation_is_the_same_whole_or_in_batches(backend, monkeypatch, fresh_model, split_of_digits):
    import keras

    from kpipe.training.loop import batches

    signature = Signature(
        inputs=(Feature(name="image", kind="image", shape=(8, 8, 1), dtype="uint8"),),
        target=Target(name="digit", task="classes", names=tuple("0123456789")),
    )
    examples = batches.Examined(split_of_digits(0, 97), signature)
    model = fresh_model()
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    whole = model.evaluate(batches.validation_batches(examples, 16), verbose=0)
    monkeypatch.setattr(batches, "HELD_BYTES", 0)
    assert model.evaluate(batches.validation_batches(examples, 16), verbose=0) == pytest.approx(whole, rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4), batch_size=st.integers(1, 16), epoch=st.integers(0, 9)
)
def test_padded_batches_hold_every_example_once_each_from_one_group(backend, sizes, batch_size, epoch):
    from kpipe.training.loop.batches import Plan

    groups = tuple(np.split(np.random.default_rng(1).permutation(sum(sizes)), np.cumsum(sizes)[:-1]))
    plan = Plan(sum(sizes), batch_size, 5, 0, groups=groups)
    batches = plan.batches(epoch)
    assert len(batches) == plan.steps
    assert {len(batch) for batch in batches} == {batch_size}
    taken = np.concatenate(batches)
    assert sorted(taken[taken >= 0]) == list(range(sum(sizes)))
    for batch in batches:
        there = batch[batch >= 0]
        assert len(there)
        assert any(set(there) <= set(group) for group in groups)
    again = Plan(sum(sizes), batch_size, 5, 0, groups=groups).batches(epoch)
    assert all((one == other).all() for one, other in zip(batches, again, strict=True))


def test_padded_epochs_differ_and_may_be_of_any_number_of_steps(backend):
    from kpipe.training.loop.batches import Plan

    groups = (np.arange(20), np.arange(20, 33))
    orders = {tuple(np.concatenate(Plan(33, 4, 0, 0, groups=groups).batches(epoch))) for epoch in range(5)}
    assert len(orders) == 5
    assert [len(Plan(33, 4, 0, 0, steps, groups).batches(0)) for steps in (1, 9, 30)] == [1, 9, 30]
