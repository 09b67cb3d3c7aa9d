from __future__ import annotations

import resource
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpipe.errors import NotSaved, RunFailed
from kpipe.training.loop.checkpoint import BROKEN, Checkpoint, Checkpoints, latest, read
from kpipe.training.loop.writing import Writer


def checkpoint(number):
    arrays = {"model/0": np.full((3, 2), number, np.float32), "model/1": np.array(number), "best/0": np.zeros((0,))}
    return Checkpoint(arrays, {"epoch": number, "history": [{"loss": 0.1}]})


def same(one, other):
    return (
        one.record == other.record
        and one.arrays.keys() == other.arrays.keys()
        and all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)
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
    with pytest.raises(NotSaved, match=r"disk full; the last good one is stage-0-000001\.npz"):
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


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory):
    checkpoints = Checkpoints(tmp_path_factory.mktemp("whole"), 0)
    arrays = {f"model/layer{number}/kernel": np.linspace(0, number, 7, dtype=np.float32) for number in range(3)}
    checkpoints.save(Checkpoint(arrays, {"epoch": 3, "history": [{"loss": 0.1}]}))
    return checkpoints.paths()[0]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_happens_to_a_byte_nothing_false_is_believed(whole_file, tmp_path_factory, data):
    """One byte set to any value, a stretch of them lost to zeros, or the end cut off."""
    before, expected = whole_file.read_bytes(), read(whole_file)
    place = data.draw(st.integers(0, len(before) - 1))
    damage = data.draw(st.sampled_from(["byte", "zeros", "cut"]))
    end = place + 1 if damage == "byte" else data.draw(st.integers(place + 1, len(before)))
    changed = bytes([data.draw(st.integers(0, 255))]) if damage == "byte" else bytes(end - place)
    after = before[:place] if damage == "cut" else before[:place] + changed + before[end:]
    path = whole_file.with_name("stage-1-000001.npz")
    path.write_bytes(after)
    try:
        found = read(path)
    except BROKEN:
        return
    assert damage != "cut", "a file without its end was believed"
    assert same(found, expected)


def test_a_table_of_contents_that_leaves_out_an_array_is_not_believed(whole_file):
    """The archive's own has no checksum: an entry may swallow the next one as its comment."""
    before, expected = whole_file.read_bytes(), read(whole_file)
    path = whole_file.with_name("stage-2-000001.npz")
    contents, last, end = before.index(b"PK\1\2"), before.rindex(b"PK\1\2"), before.rindex(b"PK\5\6")
    left_out = 0
    for place in range(contents, len(before)):
        path.write_bytes(before[:place] + bytes([end - last]) + before[place + 1 :])
        try:
            assert same(read(path), expected)
        except BROKEN as error:
            left_out += "2 arrays, not 3" in str(error)
    assert left_out > 0


def test_any_number_may_be_kept(tmp_path):
    three = Checkpoints(tmp_path, 0, keep=3)
    for number in range(5):
        three.save(checkpoint(number))
    assert [path.name[-5] for path in three.paths()] == ["3", "4", "5"]
    one = Checkpoints(tmp_path, 0, keep=1)
    one.save(checkpoint(5))
    assert [path.name for path in one.paths()] == ["stage-0-000006.npz"]


def test_a_million_checkpoints_are_still_in_order(tmp_path):
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.save(checkpoint(1))
    checkpoints.paths()[0].rename(tmp_path / "stage-0-999999.npz")
    checkpoints.save(checkpoint(2))
    checkpoints.save(checkpoint(3))
    assert [path.name for path in checkpoints.paths()] == ["stage-0-1000000.npz", "stage-0-1000001.npz"]
    assert same(checkpoints.newest(), checkpoint(3))


def test_the_latest_is_that_of_the_last_stage_and_part(tmp_path):
    assert latest(tmp_path / "none") is None
    for number, place in enumerate((1, "0.10", "0.2", 0)):
        Checkpoints(tmp_path, place).save(checkpoint(number))
    assert same(latest(tmp_path), checkpoint(0))
    (tmp_path / "stage-1-000001.npz").write_bytes(b"torn")
    assert same(latest(tmp_path), checkpoint(1))


def test_all_broken_is_an_error_not_a_new_beginning(tmp_path):
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.save(checkpoint(1))
    checkpoints.paths()[0].write_bytes(b"torn")
    with pytest.warns(UserWarning, match="is broken"), pytest.raises(RunFailed, match=r"all checkpoints .* are broken"):
        checkpoints.newest()


def test_the_writer_has_one_on_its_way_and_waits_for_it(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, 0)
    go, began, save = threading.Event(), [], checkpoints.save

    def slowly(one):
        began.append(one.record["epoch"])
        go.wait(10.0)
        save(one)

    monkeypatch.setattr(checkpoints, "save", slowly)
    writer = Writer(checkpoints)
    writer.begin(checkpoint(1))
    assert writer.busy
    threading.Timer(0.1, go.set).start()
    writer.begin(checkpoint(2))
    assert same(read(tmp_path / "stage-0-000001.npz"), checkpoint(1)), "the second waited for the first"
    writer.close()
    assert began == [1, 2]
    assert same(checkpoints.newest(), checkpoint(2)), "closed only when it is whole"


def until_idle(writer):
    until = time.monotonic() + 60.0
    while writer.busy and time.monotonic() < until:
        time.sleep(0.01)


def test_what_the_thread_could_not_write_is_told_once_and_the_last_good_one_stays(tmp_path):
    """A real refusal of the system in the middle of a file: no file may grow beyond the limit."""
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.save(checkpoint(1))
    big = Checkpoint({"model/0": np.zeros(100_000, np.float32)}, {"epoch": 2})
    writer = Writer(checkpoints)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        writer.begin(big)
        with pytest.raises(NotSaved, match=r"File too large; the last good one is stage-0-000001\.npz"):
            until_idle(writer)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["stage-0-000001.npz"], "the half file takes no space"
    writer.begin(big)
    writer.wait()
    assert checkpoints.newest().record == {"epoch": 2}
    writer.close()
