from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from kpipe.data.sklearn import Sklearn
from kpipe.errors import DataError


@pytest.mark.parametrize(
    ("dataset", "shape", "size"),
    [
        ("digits", (8, 8, 1), 10),
        ("iris", (4,), 3),
        ("wine", (13,), 3),
        ("breast_cancer", (30,), 2),
        ("diabetes", (10,), 1),
    ],
)
def test_every_data_set_loads(dataset: str, shape: tuple[int, ...], size: int) -> None:
    source = Sklearn.model_validate({"dataset": dataset})
    splits = source.load(0)
    assert splits.signature.input.shape == shape
    assert splits.signature.input.kind == source.kind
    assert splits.signature.target.size == size
    assert splits.signature.target.task == source.task
    assert splits.origin == f"sklearn {dataset}"


def test_digits_are_split_as_promised() -> None:
    splits = Sklearn(dataset="digits").load(0)
    assert [len(split) for _, split in splits] == [1257, 180, 360]


def test_digits_are_stretched_to_the_range_of_image_files() -> None:
    splits = Sklearn(dataset="digits").load(0)
    images = np.concatenate([split.take(np.arange(len(split)))["image"] for _, split in splits])
    assert images.dtype == np.uint8
    assert images.max() == 255
    original = load_digits().images
    assert sorted(map(bytes, images)) == sorted(map(bytes, np.rint(original * 15.9375).astype(np.uint8)))
    np.testing.assert_array_equal(np.unique(np.rint(images / 15.9375)), np.arange(17))


def test_classes_are_named_and_stratified() -> None:
    splits = Sklearn(dataset="iris").load(0)
    assert splits.signature.target.names == ("setosa", "versicolor", "virginica")
    for _, split in splits:
        counts = np.bincount(split.take(np.arange(len(split)))["target"])
        assert counts.max() - counts.min() == 0


def test_diabetes_has_the_moments_of_its_values() -> None:
    splits = Sklearn(dataset="diabetes").load(3)
    values = splits.train.take(np.arange(len(splits.train)))["target"].astype(np.float64)
    np.testing.assert_allclose(splits.signature.target.mean, values.mean(axis=0))
    np.testing.assert_allclose(splits.signature.target.variance, values.var(axis=0))


def test_fractions_that_leave_a_class_without_training_examples_are_refused() -> None:
    source = Sklearn.model_validate({"dataset": "iris", "split": {"test": 0.98, "validation": 0.01}})
    with pytest.raises(DataError, match=r"validation 0\.01 would take 2 and leave a class without an example"):
        source.load(0)
