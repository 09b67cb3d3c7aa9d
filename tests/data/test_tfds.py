from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.data.splits import Splits
from kpipe.data.tfds import Tfds
from kpipe.errors import DataError

FEW = {"names": {"train": "train[:300]", "test": "test[:50]"}}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def load(data_dir: Path, **fields: Any) -> Splits:
    return Tfds.model_validate({"name": "mnist", "data_dir": str(data_dir), "split": FEW, **fields}).load(0)


def test_mnist_in_both_forms_is_the_same(shared_data: Path) -> None:
    records, arrays = load(shared_data / "tfds"), load(shared_data / "tfds_array_record")
    assert records.fingerprint == arrays.fingerprint
    assert [len(split) for _, split in records] == [270, 30, 50]
    assert records.signature.input.shape == (28, 28, 1)
    assert records.signature.target.names == tuple("0123456789")
    assert records.origin == "tfds mnist 3.0.1"


def test_images_and_labels_belong_together(shared_data: Path) -> None:
    import tensorflow_datasets as tfds

    source = tfds.builder_from_directory(shared_data / "tfds_array_record" / "mnist" / "3.0.1").as_data_source("test")
    splits = load(shared_data / "tfds")
    batch = splits.test.take(np.arange(50))
    for index in range(50):
        np.testing.assert_array_equal(batch["image"][index], source[index]["image"])
        assert batch["target"][index] == source[index]["label"]


def test_the_second_load_reads_the_cache(shared_data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(shared_data / "tfds")
    assert len(list((cache / "kpipe" / "tfds").iterdir())) == 2
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # importing it would raise
    again = load(shared_data / "tfds")
    assert again.fingerprint == first.fingerprint


def test_a_broken_cache_is_made_again(shared_data: Path, cache: Path) -> None:
    first = load(shared_data / "tfds")
    for file in cache.rglob("inputs.npy"):
        file.write_bytes(b"")
    assert load(shared_data / "tfds").fingerprint == first.fingerprint


def test_an_unwritable_cache_does_not_stop_the_load(shared_data: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be", encoding="utf-8")
    assert len(load(shared_data / "tfds").test) == 50


def test_images_are_resized(shared_data: Path) -> None:
    splits = load(shared_data / "tfds", image_size=[14, 10])
    assert splits.signature.input.shape == (14, 10, 1)
    assert splits.signature.input.dtype == "uint8"


def test_the_folder_comes_from_the_environment(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(shared_data / "tfds"))
    assert len(Tfds.model_validate({"name": "mnist", "split": FEW}).load(0).test) == 50


@pytest.mark.parametrize(
    ("fields", "message", "hint"),
    [
        ({"name": "minst"}, "nothing is prepared under the name `minst` in ", "did you mean `mnist`? prepare it once"),
        ({"version": "1.0.0"}, "mnist is not prepared in version 1.0.0", ""),
        ({"input": "img"}, "`img` is not an image or a vector among its features", ""),
        ({"target": "image"}, "`image` is not a class label among its features", "label (ClassLabel)"),
        (
            {"split": {"names": {"train": "trian"}}},
            "no split `trian` for train; it has test, train",
            "did you mean `train`?",
        ),
        ({"split": {"names": {"train": "train[:a]"}}}, "no split `train[:a]`", ""),
    ],
)
def test_mistakes_say_what_there_is(shared_data: Path, fields: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(DataError) as error:
        load(shared_data / "tfds", **fields)
    assert message in error.value.message
    assert hint in error.value.hint


def test_the_offline_error_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    with pytest.raises(DataError) as error:
        Tfds.model_validate({"name": "cifar10", "version": "3.0.2"}).load(0)
    assert f"tfds.builder('cifar10:3.0.2', data_dir='{tmp_path / 'none'}').download_and_prepare()" in error.value.hint
    assert "TFDS_DATA_DIR" in error.value.hint


def test_configs_are_listed(shared_data: Path, tmp_path: Path) -> None:
    version = tmp_path / "many" / "plain" / "1.0.0"
    version.mkdir(parents=True)
    for name in ("dataset_info.json", "features.json"):
        shutil.copy(shared_data / "tfds" / "mnist" / "3.0.1" / name, version)
    with pytest.raises(DataError, match="many has several configs") as error:
        load(tmp_path, name="many")
    assert error.value.hint == "write one of many/plain"


def copied(shared_data: Path, tmp_path: Path) -> Path:
    """MNIST's description without its files."""
    version = tmp_path / "data" / "mnist" / "3.0.1"
    version.mkdir(parents=True)
    for name in ("dataset_info.json", "features.json"):
        shutil.copy(shared_data / "tfds" / "mnist" / "3.0.1" / name, version)
    return version


def test_missing_files_are_named(shared_data: Path, tmp_path: Path) -> None:
    copied(shared_data, tmp_path)
    with pytest.raises(DataError, match=r"mnist-train\.tfrecord-00000-of-00001: prepared file is not there"):
        load(tmp_path / "data")


def test_damaged_files_are_told(shared_data: Path, tmp_path: Path) -> None:
    version = copied(shared_data, tmp_path)
    for split in ("train", "test"):
        name = f"mnist-{split}.tfrecord-00000-of-00001"
        (version / name).write_bytes((shared_data / "tfds" / "mnist" / "3.0.1" / name).read_bytes()[:50_001])
    with pytest.raises(DataError, match=r"tfds mnist: train.*: a prepared file is damaged"):
        load(tmp_path / "data")


def test_labels_out_of_range_are_told(shared_data: Path, tmp_path: Path) -> None:
    version = copied(shared_data, tmp_path)
    for split in ("train", "test"):
        name = f"mnist-{split}.tfrecord-00000-of-00001"
        (version / name).symlink_to(shared_data / "tfds" / "mnist" / "3.0.1" / name)
    features = json.loads((version / "features.json").read_text(encoding="utf-8"))
    features["featuresDict"]["features"]["label"]["classLabel"]["numClasses"] = "8"
    (version / "features.json").write_text(json.dumps(features), encoding="utf-8")
    with pytest.raises(
        DataError, match=r"tfds mnist 3\.0\.1: train.* labels are outside 0\.\.7: [89] first, at row \d+"
    ):
        load(tmp_path / "data")
