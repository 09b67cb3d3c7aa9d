from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kpipe import run_names, runs
from kpipe.errors import RunNotFound, WrongInput
from kpipe.files import Lock, safe_name, write_atomic
from kpipe.runs import Run

HOLD = """
import pathlib, sys
from kpipe import runs
run = runs.create(pathlib.Path(sys.argv[1]), "e", "p")
print(run.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    names = iter(["brisk-otter-412", "brisk-owl-7", "calm-fox-9"])
    monkeypatch.setattr(runs, "draw", lambda: next(names))
    return [runs.create(tmp_path, "digits", "cnn") for _ in range(3)]


def elsewhere(root: Path) -> tuple[subprocess.Popen[str], str]:
    """Another process that makes a run and stays at work on it."""
    command = [sys.executable, "-c", HOLD, str(root)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_names_are_two_words_and_a_number() -> None:
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", run_names.draw()) for _ in range(100))
    for words in (run_names.FIRST.split(), run_names.SECOND.split()):
        assert len(set(words)) == len(words) > 70


def test_a_new_run_is_recorded_as_running(tmp_path: Path) -> None:
    run = runs.create(tmp_path, "digits", "cnn")
    record = Run(run.folder).record
    assert (record.name, record.experiment, record.pipeline) == (run.name, "digits", "cnn")
    assert run.status == "RUNNING"
    assert run.checkpoints.is_dir()
    run.finish("FINISHED")
    assert run.status == "FINISHED"
    assert run.record.end is not None


def test_runs_made_at_once_never_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = iter([f"a-b-{number // 8}" for number in range(1000)])
    monkeypatch.setattr(runs, "draw", lambda: next(few))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: runs.create(tmp_path, "e", "p").name, range(40)))
    assert len(set(made)) == 40


def test_a_run_is_found_by_name_beginning_mlflow_id_and_last(tmp_path: Path, three: list[Run]) -> None:
    three[0].update(mlflow_run_id="0af3")
    assert runs.find(tmp_path, "brisk-owl-7").name == "brisk-owl-7"
    assert runs.find(tmp_path, "calm").name == "calm-fox-9"
    assert runs.find(tmp_path, "0af3").name == "brisk-otter-412"
    assert runs.find(tmp_path, "last").name == "calm-fox-9"
    assert [run.name for run in runs.runs(tmp_path)] == ["calm-fox-9", "brisk-owl-7", "brisk-otter-412"]


def test_a_name_that_is_another_ones_beginning_means_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["a-b-1", "a-b-12"])
    monkeypatch.setattr(runs, "draw", lambda: next(names))
    for _ in range(2):
        runs.create(tmp_path, "e", "p")
    assert runs.find(tmp_path, "a-b-1").name == "a-b-1"


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("brisk", "beginning of 2 runs\nbrisk-owl-7, brisk-otter-412"),
        ("brisk-oter-412", "did you mean `brisk-otter-412`?"),
        ("zzz", "newest first: calm-fox-9"),
        ("", "no run ``"),
        ("../..", "no run `../..`"),
    ],
)
def test_a_run_that_is_not_found_says_what_is_near(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RunNotFound) as error:
        runs.find(tmp_path, text)
    assert said in str(error.value)


def test_no_runs_at_all(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="kpipe run"):
        runs.find(tmp_path / "none", "last")


def test_a_damaged_record_stops_only_who_names_it(tmp_path: Path, three: list[Run]) -> None:
    (three[0].folder / "run.json").write_text('{"name": "x"', encoding="utf-8")
    assert runs.find(tmp_path, "last").name == "calm-fox-9"
    assert runs.find(tmp_path, "brisk").name == "brisk-owl-7"
    assert [run.name for run in runs.runs(tmp_path)] == ["calm-fox-9", "brisk-owl-7"]
    with pytest.raises(RunNotFound, match=r"brisk-otter-412/run\.json"):
        runs.find(tmp_path, "brisk-otter-412")


@pytest.mark.parametrize(("status", "kept"), [("FINISHED", False), ("FAILED", True), ("KILLED", True)])
def test_checkpoints_stay_as_long_as_the_run_can_go_on(tmp_path: Path, status: runs.Status, kept: bool) -> None:
    run = runs.create(tmp_path, "digits", "cnn")
    (run.checkpoints / "0").mkdir()
    run.finish(status)
    assert run.checkpoints.exists() == kept


def test_a_run_of_another_process_is_not_taken_and_its_death_is_seen(tmp_path: Path) -> None:
    process, name = elsewhere(tmp_path)
    run = runs.find(tmp_path, name)
    assert run.status == "RUNNING"
    with pytest.raises(WrongInput, match="still running"):
        run.hold()
    process.kill()
    process.communicate()
    assert run.status == "KILLED"
    run.hold()
    assert run.alive


def test_a_failed_write_leaves_the_old_text(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomic(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "new \ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_is_held_by_one_and_looking_does_not_take_it(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    assert not first.taken()
    assert first.take()
    assert second.taken()
    assert not second.take()
    first.free()
    assert not second.taken()
    assert second.take()


@pytest.mark.parametrize(
    ("text", "name"),
    [("my exp/1", "my-exp-1"), ("../up", "up"), ("7", "experiment-7"), ("é", "experiment"), (".hidden", "hidden")],
)
def test_names_of_folders_are_safe(text: str, name: str) -> None:
    assert safe_name(text) == name
