from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from kpipe.data.image_folder import ImageFolder
from kpipe.data.preparation.image import Image
from kpipe.data.sklearn import Sklearn
from kpipe.errors import DataError
from kpipe.signature import Target

TARGET = Target(task="classes", names=("ant", "bee"))
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 6, 5, 3), dtype=np.uint8)
COLOUR = Image(shape=(6, 5, 3), target=TARGET)
GREY = Image(shape=(6, 5, 1), target=TARGET)


def test_files_are_prepared_as_in_training(tmp_path: Path) -> None:
    for index, name in enumerate(["ant", "bee"] * 12):
        (tmp_path / name).mkdir(exist_ok=True)
        noise = np.random.default_rng(index).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Picture.fromarray(noise).save(tmp_path / name / f"{index:02}.png")
    source = ImageFolder.model_validate({"path": str(tmp_path), "image_size": [9, 7], "color_mode": "grayscale"})
    splits = source.load(0)
    trained = {
        (image.tobytes(), int(target))
        for _, split in splits
        for batch in [split.take(np.arange(len(split)))]
        for image, target in zip(batch["image"], batch["target"], strict=True)
    }
    examples = splits.preparation.read([tmp_path])
    assert examples.targets is not None
    read = {
        (image.tobytes(), int(target)) for image, target in zip(examples.inputs["image"], examples.targets, strict=True)
    }
    assert read == trained
    assert len(examples.names) == 24
    assert examples.names[0] == str(tmp_path / "ant" / "00.png")


def test_a_digit_saved_as_png_comes_back_as_it_was_trained(tmp_path: Path) -> None:
    splits = Sklearn(dataset="digits").load(0)
    image = splits.test.take(np.arange(1))["image"]
    Picture.fromarray(image[0, ..., 0]).save(tmp_path / "digit.png")
    examples = splits.preparation.read([tmp_path / "digit.png"])
    np.testing.assert_array_equal(examples.inputs["image"], image)
    assert examples.targets is None


def test_arrays_are_read_with_targets_where_they_hold_them(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", PIXELS)
    np.savez(tmp_path / "xy.npz", x=PIXELS, y=np.array(["bee", "ant", "bee"]))
    plain, labelled = COLOUR.read([tmp_path / "x.npy"]), COLOUR.read([tmp_path / "xy.npz"])
    np.testing.assert_array_equal(plain.inputs["image"], PIXELS)
    assert plain.names == tuple(f"{tmp_path / 'x.npy'}:{index}" for index in range(3))
    assert plain.targets is None
    assert labelled.targets is not None
    assert labelled.targets.tolist() == [1, 0, 1]
    assert COLOUR.read([tmp_path / "xy.npz", tmp_path / "x.npy"]).targets is None
    assert len(COLOUR.read([tmp_path / "xy.npz", tmp_path / "x.npy"]).names) == 6


def test_folders_without_classes_give_no_targets(tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    Picture.fromarray(PIXELS[0]).save(tmp_path / "holiday" / "a.png")
    Picture.fromarray(PIXELS[1]).save(tmp_path / "b.png")
    examples = COLOUR.read([tmp_path])
    assert examples.targets is None
    assert len(examples.names) == 2


@pytest.mark.parametrize(
    "raw",
    [PIXELS, PIXELS.astype(np.int64), PIXELS.astype(np.float32), PIXELS.tolist()],
    ids=["uint8", "int64", "float32", "lists"],
)
def test_arrays_in_memory(raw: Any) -> None:
    prepared = COLOUR.prepare(raw)["image"]
    assert prepared.dtype == np.uint8
    np.testing.assert_array_equal(prepared, PIXELS)


def test_arrays_are_resized_and_recoloured_like_files(tmp_path: Path) -> None:
    large = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    Picture.fromarray(large[1]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(GREY.prepare(large)["image"][1:], GREY.read([tmp_path / "a.png"]).inputs["image"])
    np.testing.assert_array_equal(COLOUR.prepare(PIXELS[..., 0])["image"][..., 2], PIXELS[..., 0])


def test_float_models_take_arrays_of_their_shape(tmp_path: Path) -> None:
    scaled = Image(shape=(6, 5, 3), dtype="float32", target=TARGET)
    assert scaled.prepare(PIXELS / 255)["image"].dtype == np.float32
    Picture.fromarray(PIXELS[0]).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="trained on arrays of float32 with 3 channels, not on image files"):
        scaled.read([tmp_path / "a.png"])
    with pytest.raises(DataError, match=r"images of \(6, 5, 1\), the model was trained on \(6, 5, 3\)"):
        scaled.prepare(PIXELS[..., 0] / 255)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (PIXELS / 255, "numbers from 0 to 1; the model was trained on whole numbers in 0..255"),
        (PIXELS.astype(int) * 2, "numbers from 0 to 510"),
        (PIXELS.astype(int) - 9, "numbers from -9"),
        (np.full((1, 6, 5), np.nan), "NaN or infinite"),
        (PIXELS[0, :, :, 0], "shape (6, 5), expected (n, height, width)"),
        (np.zeros((1, 6, 5, 4), np.uint8), "images of (6, 5, 4), the model was trained on (6, 5, 3)"),
        (np.array([["a"]]), "shape (1, 1)"),
        (np.zeros((1, 0, 5), np.uint8), "holds no numbers"),
    ],
)
def test_arrays_on_another_scale_are_refused(raw: np.ndarray, message: str) -> None:
    with pytest.raises(DataError) as error:
        COLOUR.prepare(raw)
    assert message in error.value.message


def test_paths_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file or folder"):
        COLOUR.read([tmp_path / "none.png"])
    with pytest.raises(DataError, match="nothing to read in"):
        COLOUR.read([tmp_path])
    (tmp_path / "a.png").write_bytes(b"no")
    with pytest.raises(DataError, match=r"a\.png: is no PNG or JPEG image"):
        COLOUR.read([tmp_path])


def test_class_folders_must_all_be_classes(tmp_path: Path) -> None:
    for name in ("ant", "bees"):
        (tmp_path / name).mkdir()
        Picture.fromarray(PIXELS[0]).save(tmp_path / name / "a.png")
    with pytest.raises(DataError, match="bees: no class of that name") as error:
        COLOUR.read([tmp_path])
    assert error.value.hint == "the classes are ant, bee"
