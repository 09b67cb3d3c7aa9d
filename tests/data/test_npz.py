from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from kpipe.data.npz import Npz
from kpipe.data.splits import Splits
from kpipe.errors import DataError

GENERATOR = np.random.default_rng(0)
VECTORS = GENERATOR.normal(size=(40, 3))
IMAGES = GENERATOR.integers(0, 256, (40, 6, 5), dtype=np.uint8)
CLASSES = np.arange(40) % 4


def load(tmp_path: Path, arrays: dict[str, Any], **fields: Any) -> Splits:
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    return Npz.model_validate({"path": str(path), **fields}).load(0)


@pytest.mark.parametrize(
    ("targets", "task", "names"),
    [
        (CLASSES, "classes", ("0", "1", "2", "3")),
        (CLASSES * 10 - 10, "classes", ("-10", "0", "10", "20")),
        (CLASSES[:, None].astype(np.uint8), "classes", ("0", "1", "2", "3")),
        (CLASSES > 1, "classes", ("False", "True")),
        (np.array(["ant", "bee", "cow", "dog"])[CLASSES], "classes", ("ant", "bee", "cow", "dog")),
        (np.eye(4)[CLASSES], "classes", ("0", "1", "2", "3")),
        (np.array([[0, 0], [1, 0], [0, 1], [1, 1]])[CLASSES], "labels", ("label_0", "label_1")),
        (VECTORS[:, 0], "values", ("value_0",)),
        (VECTORS[:, :2], "values", ("value_0", "value_1")),
    ],
    ids=["ints", "any ints", "a column", "booleans", "words", "one-hot", "labels", "values", "several values"],
)
def test_what_y_is_follows_from_its_numbers(
    tmp_path: Path, targets: np.ndarray, task: str, names: tuple[str, ...]
) -> None:
    target = load(tmp_path, {"x": VECTORS, "y": targets}).signature.target
    assert (target.task, target.names) == (task, names)


def test_the_task_can_be_told(tmp_path: Path) -> None:
    assert load(tmp_path, {"x": VECTORS, "y": CLASSES}, target_task="values").signature.target.task == "values"
    one_hot_like = np.eye(4)[CLASSES]
    assert load(tmp_path, {"x": VECTORS, "y": one_hot_like}, target_task="labels").signature.target.task == "labels"


def test_examples_keep_their_targets(tmp_path: Path) -> None:
    splits = load(tmp_path, {"x": VECTORS, "y": VECTORS[:, 0] * 2})
    for _, split in splits:
        batch = split.take(np.arange(len(split)))
        np.testing.assert_allclose(batch["target"][:, 0], batch["vector"][:, 0] * 2, rtol=1e-6)


def test_images_stay_uint8(tmp_path: Path) -> None:
    feature = load(tmp_path, {"x": IMAGES, "y": CLASSES}).signature.input
    assert (feature.kind, feature.shape, feature.dtype) == ("image", (6, 5, 1), "uint8")
    feature = load(tmp_path, {"x": IMAGES.astype(np.int64)[..., None], "y": CLASSES}).signature.input
    assert (feature.shape, feature.dtype) == ((6, 5, 1), "uint8")


def test_images_on_another_scale_stay_float32(tmp_path: Path) -> None:
    splits = load(tmp_path, {"x": IMAGES / 255, "y": CLASSES})
    assert splits.signature.input.dtype == "float32"
    assert splits.train.take(np.arange(3))["image"].max() <= 1


def test_named_classes_take_positions(tmp_path: Path) -> None:
    splits = load(tmp_path, {"x": VECTORS, "y": CLASSES}, classes=["3", "2", "1", "0"])
    batch = splits.train.take(np.arange(len(splits.train)))
    row = int(np.flatnonzero((VECTORS.astype(np.float32) == batch["vector"][0]).all(axis=1))[0])
    assert batch["target"][0] == CLASSES[row]
    assert splits.signature.target.names == ("3", "2", "1", "0")


def test_given_splits_are_used_and_the_missing_one_cut(tmp_path: Path) -> None:
    arrays = {"x_train": VECTORS, "y_train": CLASSES, "x_test": VECTORS[:7] + 9, "y_test": CLASSES[:7]}
    splits = load(tmp_path, arrays)
    assert [len(split) for _, split in splits] == [36, 4, 7]
    assert splits.test.take(np.arange(7))["vector"].mean() > 5


def test_all_splits_and_other_keys(tmp_path: Path) -> None:
    arrays = {
        f"{key}_{split}": array for split in ("train", "val", "test") for key, array in (("a", VECTORS), ("b", CLASSES))
    }
    splits = load(tmp_path, arrays, input_key="a", target_key="b")
    assert [len(split) for _, split in splits] == [40, 40, 40]


@pytest.mark.parametrize("inputs", [VECTORS, IMAGES], ids=["vectors", "images"])
def test_a_trained_model_reads_the_same_keys(tmp_path: Path, inputs: np.ndarray) -> None:
    arrays = {"pixels": inputs, "digit": CLASSES, "x": inputs[:3], "y": CLASSES[:3]}
    splits = load(tmp_path, arrays, input_key="pixels", target_key="digit")
    examples = splits.preparation.read([tmp_path / "data.npz"])
    assert len(examples.names) == 40
    assert examples.targets is not None
    np.testing.assert_array_equal(examples.targets, CLASSES)


@pytest.mark.parametrize("task", ["values", "labels"])
def test_classes_of_what_has_none_are_refused(tmp_path: Path, task: str) -> None:
    np.savez(tmp_path / "data.npz", x=VECTORS, y=CLASSES)
    written = {"path": str(tmp_path / "data.npz"), "classes": ["a", "b", "c", "d"]}
    with pytest.raises(ValidationError) as error:
        Npz.model_validate({**written, "target_task": task})
    (problem,) = error.value.errors()[0]["ctx"]["problems"]
    assert problem.message == f"{task} have no classes, but `classes` names some"
    assert Npz.model_validate({**written, "target_task": "classes"}).task == "classes"


def with_nan(row: int) -> np.ndarray:
    array = VECTORS.copy()
    array[row:, 1] = np.nan
    return array


@pytest.mark.parametrize(
    ("arrays", "fields", "message", "hint"),
    [
        ({"X": VECTORS, "y": CLASSES}, {}, "has no array `x`; it has X, y", "did you mean `X`?"),
        ({"x": VECTORS[:30], "y": CLASSES}, {}, "`x` holds 30 examples, `y` 40", ""),
        (
            {"x": with_nan(37), "y": CLASSES},
            {},
            "x: 3 of 40 rows hold NaN or infinite numbers, the first is row 37: value 1 is nan",
            "leave out",
        ),
        ({"x": VECTORS * 1e300, "y": CLASSES}, {}, "x, as float32: 40 of 40 rows hold NaN or infinite", ""),
        ({"x": VECTORS, "y": with_nan(37)[:, 1]}, {}, "3 of 40 rows hold NaN", ""),
        ({"x": VECTORS[:, 0], "y": CLASSES}, {}, "x: shape (40,); expected (n, features)", "reshape"),
        ({"x": VECTORS.astype(str), "y": CLASSES}, {}, "expected numbers", ""),
        ({"x": VECTORS, "y": CLASSES}, {"classes": ["a", "b", "c"]}, "labels are outside 0..2: 3 first, at row", ""),
        ({"x": VECTORS, "y": np.zeros(40, int)}, {}, "only one class, `0`", "at least two"),
        (
            {"x": VECTORS, "y": np.arange(40)},
            {},
            "40 different whole numbers in 40 examples may be classes or values",
            "target_task: values",
        ),
        (
            {"x_train": VECTORS, "y_train": CLASSES, "x_test": VECTORS[:4], "y_test": CLASSES[:4] + 1},
            {},
            "y of test: 1 of 4 examples are of a class that train does not have: `4` first, at row 3; expected",
            "",
        ),
        (
            {"x_train": VECTORS, "y_train": CLASSES, "x_test": VECTORS[:, :2], "y_test": CLASSES},
            {},
            "the splits differ in shape or dtype: (2,) float32, (3,) float32",
            "",
        ),
        (
            {"x_train": VECTORS, "y_train": CLASSES, "x_test": VECTORS[:0], "y_test": CLASSES[:0]},
            {},
            "the split `test` is empty",
            "",
        ),
        ({"x": VECTORS, "y": np.array([{"a": 1}] * 40, dtype=object)}, {}, "kpipe never unpickles", "astype(str)"),
    ],
)
def test_mistakes_name_the_array(
    tmp_path: Path, arrays: dict[str, np.ndarray], fields: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(DataError) as error:
        load(tmp_path, arrays, **fields)
    assert message in error.value.message
    assert hint in error.value.hint
    assert "data.npz" in error.value.message


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"\x93NUMPY\x01", b"hello"])
def test_files_that_are_no_npz_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.npz: "):
        Npz.model_validate({"path": str(path)}).load(0)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez_compressed(path, x=VECTORS, y=CLASSES)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"data\.npz: is no readable NumPy file"):
        Npz.model_validate({"path": str(path)}).load(0)
