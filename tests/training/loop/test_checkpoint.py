from __future__ import annotations

import numpy as np
import pytest

from kpipe.training.loop.checkpoint import Checkpoint, Checkpoints, read


def checkpoint(number):
    arrays = {"model/0": np.full((3, 2), number, np.float32), "model/1": np.array(number), "best/0": np.zeros((0,))}
    return Checkpoint(arrays, {"epoch": number, "history": [{"loss": 0.1}]})


def same(one, other):
    return one.record == other.record and all(
        np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays
    )


def test_what_is_saved_is_read(tmp_path):
    checkpoints = Checkpoints(tmp_path / "new folder", 0)
    assert checkpoints.newest() is None
    checkpoints.save(checkpoint(1))
    found = checkpoints.newest()
    assert same(found, checkpoint(1))
    assert found.arrays["model/0"].dtype == np.float32


def test_the_newest_two_are_kept_and_stages_do_not_meet(tmp_path):
    first, second = Checkpoints(tmp_path, 0), Checkpoints(tmp_path, 1)
    second.save(checkpoint(50))
    for number in range(1, 13):
        first.save(checkpoint(number))
    assert [path.name for path in first.paths()] == ["stage-0-000011.npz", "stage-0-000012.npz"]
    assert first.newest().record["epoch"] == 12
    assert second.newest().record["epoch"] == 50


def test_a_crash_while_writing_leaves_what_was(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.save(checkpoint(1))

    def crash(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", crash)
    with pytest.raises(OSError, match="disk full"):
        checkpoints.save(checkpoint(2))
    monkeypatch.undo()
    assert same(checkpoints.newest(), checkpoint(1))
    checkpoints.save(checkpoint(3))
    assert same(checkpoints.newest(), checkpoint(3))
    assert not list(tmp_path.glob("*.writing"))


def test_every_torn_file_is_noticed(tmp_path):
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.save(checkpoint(1))
    checkpoints.save(checkpoint(2))
    newest = checkpoints.paths()[-1]
    whole = newest.read_bytes()
    for length in range(0, len(whole), 37):
        newest.write_bytes(whole[:length])
        with pytest.warns(UserWarning, match="is broken .* passed over"):
            assert same(checkpoints.newest(), checkpoint(1))


@pytest.mark.filterwarnings("ignore:.*is broken")
def test_no_flipped_byte_is_believed(tmp_path):
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.save(checkpoint(1))
    checkpoints.save(checkpoint(2))
    newest = checkpoints.paths()[-1]
    whole = newest.read_bytes()
    noticed = 0
    for place in range(len(whole)):
        newest.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        found = checkpoints.newest()
        # a byte that means nothing (a date, a version) may change unnoticed; a value may not
        assert same(found, checkpoint(1)) or same(found, checkpoint(2))
        noticed += same(found, checkpoint(1))
    assert noticed > len(whole) / 2


def test_no_pickle_is_opened(tmp_path):
    path = tmp_path / "stage-0-000001.npz"
    np.savez(path, record=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read(path)
