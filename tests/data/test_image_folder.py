from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from kpipe.data.image_folder import ImageFolder
from kpipe.data.splits import Splits
from kpipe.errors import DataError


def folder_of(root: Path, classes: dict[str, int], size: tuple[int, int] = (6, 5), shade: int = 0) -> Path:
    """Images of one shade each: the class's place times 50, plus ``shade``."""
    for place, (name, count) in enumerate(classes.items()):
        (root / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            Image.new("RGB", (size[1], size[0]), (50 * place + shade,) * 3).save(root / name / f"{index:02}.png")
    return root


def load(root: Path, **fields: Any) -> Splits:
    return ImageFolder.model_validate({"path": str(root), **fields}).load(0)


def test_folders_are_classes(tmp_path: Path) -> None:
    splits = load(folder_of(tmp_path, {"ant": 10, "bee": 20, "cow": 10}))
    assert splits.signature.target.names == ("ant", "bee", "cow")
    assert splits.signature.input.shape == (6, 5, 3)
    assert [len(split) for _, split in splits] == [28, 4, 8]
    for _, split in splits:
        batch = split.take(np.arange(len(split)))
        np.testing.assert_array_equal(batch["image"][:, 0, 0, 0], batch["target"] * 50)
    assert splits.skipped == ()


def test_given_splits_are_used_and_the_missing_one_cut(tmp_path: Path) -> None:
    folder_of(tmp_path / "train", {"ant": 10, "bee": 10})
    folder_of(tmp_path / "test", {"ant": 2, "bee": 3}, shade=7)
    splits = load(tmp_path)
    assert [len(split) for _, split in splits] == [18, 2, 5]
    assert set(splits.test.take(np.arange(5))["image"][:, 0, 0, 0]) == {7, 57}
    folder_of(tmp_path / "val", {"ant": 1, "bee": 1}, shade=3)
    assert [len(split) for _, split in load(tmp_path)] == [20, 2, 5]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    assert load(folder_of(tmp_path, {"car": 10, "train": 10})).signature.target.names == ("car", "train")


def test_grayscale_and_another_size(tmp_path: Path) -> None:
    folder_of(tmp_path, {"ant": 10, "bee": 10})
    Image.new("L", (40, 30), 50).save(tmp_path / "bee" / "large.jpg", quality=95)
    splits = load(tmp_path, color_mode="grayscale", image_size=[12, 8])
    assert splits.signature.input.shape == (12, 8, 1)
    assert sum(len(split) for _, split in splits) == 21


def test_files_deeper_in_a_class_folder_belong_to_it_and_hidden_ones_do_not(tmp_path: Path) -> None:
    folder_of(tmp_path, {"ant": 10, "bee": 10})
    folder_of(tmp_path / "ant", {"more": 3})
    (tmp_path / "ant" / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "bee" / "Thumbs.db").write_bytes(b"\0")
    (tmp_path / ".git" / "objects").mkdir(parents=True)
    assert sum(len(split) for _, split in load(tmp_path)) == 23


def break_three(root: Path) -> None:
    whole = (root / "ant" / "00.png").read_bytes()
    (root / "ant" / "cut.png").write_bytes(whole[:45])
    (root / "bee" / "empty.jpg").touch()
    (root / "bee" / "notes.txt").write_text("not an image", encoding="utf-8")


def test_unreadable_files_are_all_named(tmp_path: Path) -> None:
    break_three(folder_of(tmp_path, {"ant": 10, "bee": 10}))
    with pytest.raises(DataError) as error:
        load(tmp_path)
    assert "3 of 23 files are not readable as PNG or JPEG images" in error.value.message
    assert f"{tmp_path / 'ant' / 'cut.png'}: is damaged" in error.value.message
    assert f"{tmp_path / 'bee' / 'empty.jpg'}: is empty" in error.value.message
    assert f"{tmp_path / 'bee' / 'notes.txt'}: is no PNG or JPEG image" in error.value.message
    assert "on_error: skip" in error.value.hint


def test_unreadable_files_are_skipped_when_told_and_listed(tmp_path: Path) -> None:
    break_three(folder_of(tmp_path, {"ant": 10, "bee": 10}))
    splits = load(tmp_path, on_error="skip")
    assert sum(len(split) for _, split in splits) == 20
    assert [line.partition(": ")[0] for line in splits.skipped] == [
        str(tmp_path / "ant" / "cut.png"),
        str(tmp_path / "bee" / "empty.jpg"),
        str(tmp_path / "bee" / "notes.txt"),
    ]
    for _, split in splits:
        batch = split.take(np.arange(len(split)))
        np.testing.assert_array_equal(batch["image"][:, 0, 0, 0], batch["target"] * 50)


def test_an_image_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    folder_of(tmp_path, {"ant": 10, "bee": 10})
    Image.new("1", (20_000, 20_000)).save(tmp_path / "ant" / "huge.png")
    Image.new("1", (10_000, 10_000)).save(tmp_path / "ant" / "large.png")
    with pytest.raises(DataError) as error:
        load(tmp_path, image_size=[8, 8])
    assert error.value.message.count("has more than 64,000,000 pixels") == 2


def empty_class(root: Path) -> None:
    folder_of(root, {"ant": 10, "bee": 10, "cow": 0})


def other_class_in_test(root: Path) -> None:
    folder_of(root / "train", {"ant": 10, "bee": 10})
    folder_of(root / "test", {"ant": 1, "bees": 3})


def mixed_sizes(root: Path) -> None:
    folder_of(root, {"ant": 10})
    folder_of(root, {"bee": 10}, size=(9, 9))


def loose_images(root: Path) -> None:
    folder_of(root, {"ant": 10})
    Image.new("RGB", (5, 6)).save(root / "lost.PNG")


def nothing_readable(root: Path) -> None:
    for name in ("ant", "bee"):
        (root / name).mkdir()
        (root / name / "a.png").write_bytes(b"no")


@pytest.mark.parametrize(
    ("prepare", "message", "hint"),
    [
        (lambda root: None, "no class folders", "folder with the class's name"),
        (empty_class, "cow: class folder without images", "remove the folder"),
        (
            other_class_in_test,
            "test: 3 of 4 examples are of a class that train does not have: `bees` first",
            "did you mean `bee`?",
        ),
        (mixed_sizes, "9 x 9 pixels (height x width), the images before it have 6 x 5", "image_size: [6, 5]"),
        (loose_images, "1 images lie outside a class folder, the first is lost.PNG", ""),
        (lambda root: folder_of(root, {"ant": 30}), "only one class, `ant`", ""),
        (nothing_readable, "none of 2 files is a readable PNG or JPEG image", ""),
    ],
)
def test_mistakes_name_the_folder(tmp_path: Path, prepare: Any, message: str, hint: str) -> None:
    prepare(tmp_path)
    with pytest.raises(DataError) as error:
        load(tmp_path)
    assert message in error.value.message
    assert hint in error.value.hint


@pytest.mark.parametrize("size", [[8], [8, 8, 3], [0, 8], [8, 100_000]])
def test_sizes_out_of_range_are_refused(tmp_path: Path, size: list[int]) -> None:
    with pytest.raises(ValidationError):
        ImageFolder.model_validate({"path": str(tmp_path), "image_size": size})
