from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import numpy as np
import pytest

from kpipe.data.preparation import prepared
from kpipe.data.preparation.prepared import Beside, filled, folder_of
from kpipe.data.preparation.stored import Stored
from kpipe.errors import DataError

SHAPE = (50, 3)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(prepared, "HELD_BYTES", 100)
    return tmp_path / "cache"


def count_up(array: np.ndarray) -> Beside:
    array[:] = np.arange(array.size).reshape(array.shape)
    return {"last": np.array([array[-1, -1]])}


def refuse(array: np.ndarray) -> Beside:
    raise AssertionError("was filled again")


def test_small_arrays_are_held_in_memory(cache: Path) -> None:
    array, beside = filled(folder_of("test", "small", [1]), (4, 3), np.float32, count_up)
    assert isinstance(array, np.ndarray)
    assert (array[-1, -1], beside["last"][0]) == (11, 11)
    assert not cache.exists()


def test_large_arrays_lie_in_a_file_and_are_filled_once(cache: Path) -> None:
    folder = folder_of("test", "large", [1])
    first, _ = filled(folder, SHAPE, np.float32, count_up)
    again, beside = filled(folder, SHAPE, np.float32, refuse)
    assert isinstance(first, Stored)
    assert isinstance(again, Stored)
    assert (len(again), again.shape, again.ndim, again.dtype) == (50, SHAPE, 2, np.float32)
    np.testing.assert_array_equal(again[:], np.arange(150).reshape(SHAPE))
    np.testing.assert_array_equal(again.chosen(np.array([7, 2, 9]))[np.array([2, 0])], again[np.array([9, 7])])
    assert beside["last"] == [149]
    assert [entry.name for entry in (cache / "kpipe" / "test").iterdir()] == [folder.name]
    assert folder_of("test", "large", [2]) != folder


def test_what_failed_leaves_nothing_behind(cache: Path) -> None:
    def fail(array: np.ndarray) -> Beside:
        raise DataError("no")

    with pytest.raises(DataError, match="no"):
        filled(folder_of("test", "large", [1]), SHAPE, np.float32, fail)
    assert not list((cache / "kpipe" / "test").iterdir())


def test_drafts_of_killed_processes_are_removed(cache: Path) -> None:
    root = cache / "kpipe" / "test"
    for name, age in (("old", 2 * prepared.STALE_SECONDS), ("new", 0.0)):
        (root / f".draft-{name}").mkdir(parents=True)
        os.utime(root / f".draft-{name}", (time.time() - age,) * 2)
    filled(folder_of("test", "large", [1]), SHAPE, np.float32, count_up)
    assert {entry.name for entry in root.glob(".draft-*")} == {".draft-new"}


@pytest.mark.parametrize("damage", ["missing", "torn"])
def test_a_file_that_is_not_whole_is_made_again(damage: str) -> None:
    folder = folder_of("test", "large", [1])
    filled(folder, SHAPE, np.float32, count_up)
    if damage == "missing":
        (folder / "inputs.npy").unlink()
    else:
        os.truncate(folder / "inputs.npy", 200)
    array, _ = filled(folder, SHAPE, np.float32, count_up)
    assert array[-1:].tolist() == [[147, 148, 149]]


def test_a_file_cut_short_while_in_use_is_told() -> None:
    """Reading a page that is no longer there would end the process by SIGBUS."""
    array, _ = filled(folder_of("test", "large", [1]), (50_000, 3), np.float32, count_up)
    assert isinstance(array, Stored)
    os.truncate(array.file, 4096)
    with pytest.raises(DataError, match=r"inputs\.npy: was changed while it was in use") as error:
        array[np.array([40_000])]
    assert "start again" in error.value.hint


def test_a_file_removed_while_in_use_stays_readable() -> None:
    array, _ = filled(folder_of("test", "large", [1]), SHAPE, np.float32, count_up)
    assert isinstance(array, Stored)
    array.file.unlink()
    assert array[-1:].tolist() == [[147, 148, 149]]


def test_where_nothing_can_be_written_memory_is_used(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING, "kpipe"):
        array, _ = filled(folder_of("test", "large", [1]), SHAPE, np.float32, count_up)
    assert isinstance(array, np.ndarray)
    assert "the data are held in memory" in caplog.text


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def full(handle: int, start: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match="of prepared data do not fit: no space left on device") as error:
        filled(folder_of("test", "large", [1]), SHAPE, np.float32, count_up)
    assert "XDG_CACHE_HOME" in error.value.hint
    assert not list((cache / "kpipe" / "test").iterdir())
