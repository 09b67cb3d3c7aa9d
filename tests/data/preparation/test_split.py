from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kpipe.data.preparation.split import cut, given_names, share
from kpipe.data.split_rule import GivenSplitRule, SplitRule
from kpipe.errors import DataError

fractions = st.floats(0.02, 0.45)


@given(count=st.integers(5, 400), validation=fractions, test=fractions, seed=st.integers(0, 2**32 - 1))
def test_splits_are_disjoint_complete_and_of_the_size_asked_for(
    count: int, validation: float, test: float, seed: int
) -> None:
    rule = SplitRule(validation=validation, test=test)
    assume(math.ceil(count * test) + math.ceil(count * validation) < count)
    found = cut(count, rule, seed)
    np.testing.assert_array_equal(np.sort(np.concatenate(list(found.values()))), np.arange(count))
    assert abs(len(found["test"]) - count * test) <= 1
    assert abs(len(found["validation"]) - count * validation) <= 1
    for name, indices in cut(count, rule, seed).items():
        np.testing.assert_array_equal(indices, found[name])


@given(
    sizes=st.lists(st.integers(1, 60), min_size=2, max_size=12),
    validation=fractions,
    test=fractions,
    seed=st.integers(0, 2**32 - 1),
)
def test_stratified_splits_keep_proportions_and_leave_every_class_to_train(
    sizes: list[int], validation: float, test: float, seed: int
) -> None:
    classes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    count = len(classes)
    taken = math.ceil(round(count * test, 6)) + math.ceil(round(count * validation, 6))
    assume(taken <= count - len(sizes))
    found = cut(count, SplitRule(validation=validation, test=test), seed, classes)
    np.testing.assert_array_equal(np.sort(np.concatenate(list(found.values()))), np.arange(count))
    assert set(classes[found["train"]]) == set(range(len(sizes)))
    if min(sizes) * (1 - test - validation) >= 3:
        shares = np.bincount(classes[found["test"]], minlength=len(sizes))
        assert np.abs(shares - np.array(sizes) * len(found["test"]) / count).max() < 1


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=20), part=st.floats(0, 1))
def test_shares_add_up_and_never_take_a_whole_class(sizes: list[int], part: float) -> None:
    number = int(part * (sum(sizes) - len(sizes)))
    found = share(np.array(sizes), number)
    assert found.sum() == number
    assert (found >= 0).all()
    assert (found < np.array(sizes)).all()


def test_another_seed_cuts_others() -> None:
    first, second = cut(100, SplitRule(), 0), cut(100, SplitRule(), 1)
    assert set(first["test"]) != set(second["test"])


def test_given_splits_are_not_cut_again() -> None:
    found = cut(100, SplitRule(), 0, given=("train", "test"))
    assert set(found) == {"train", "validation"}
    assert len(found["validation"]) == 10


def test_unstratified_cuts_ignore_classes() -> None:
    classes = np.repeat([0, 1], 50)
    rule = SplitRule(stratified=False)
    np.testing.assert_array_equal(cut(100, rule, 0, classes)["test"], cut(100, rule, 0)["test"])


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_examples_are_refused(count: int) -> None:
    with pytest.raises(DataError, match="too few"):
        cut(count, SplitRule(), 0)


def test_too_few_for_the_classes_says_which_fraction() -> None:
    with pytest.raises(DataError, match=r"4 examples of 4 classes are too few: test 0\.2 would take 1"):
        cut(4, SplitRule(), 0, np.arange(4))


def test_usual_names_of_given_splits_are_known() -> None:
    assert given_names(GivenSplitRule(), ["training", "val", "extra"], "x") == {
        "train": "training",
        "validation": "val",
    }
    assert given_names(GivenSplitRule(), ["val", "test"], "x") == {}


def test_a_named_split_must_be_there() -> None:
    rule = GivenSplitRule(names={"train": "trian"})
    with pytest.raises(DataError, match="no split `trian` for train; it has test, train") as error:
        given_names(rule, ["train", "test"], "x")
    assert error.value.hint == "did you mean `train`?"
