from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kpipe import finding, run_names, runs
from kpipe.errors import RunNotFound, WrongInput
from kpipe.files import Lock, safe_name, write_atomic
from kpipe.predict import load_predictor
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
    assert finding.find(tmp_path, "brisk-owl-7").name == "brisk-owl-7"
    assert finding.find(tmp_path, "calm").name == "calm-fox-9"
    assert finding.find(tmp_path, "0af3").name == "brisk-otter-412"
    assert finding.find(tmp_path, "last").name == "calm-fox-9"
    assert [run.name for run in runs.runs(tmp_path)] == ["calm-fox-9", "brisk-owl-7", "brisk-otter-412"]


def test_a_name_that_is_another_ones_beginning_means_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["a-b-1", "a-b-12"])
    monkeypatch.setattr(runs, "draw", lambda: next(names))
    for _ in range(2):
        runs.create(tmp_path, "e", "p")
    assert finding.find(tmp_path, "a-b-1").name == "a-b-1"


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
        finding.find(tmp_path, text)
    assert said in str(error.value)


def test_no_runs_at_all(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="kpipe run"):
        finding.find(tmp_path / "none", "last")


def test_a_damaged_record_stops_only_who_names_it(tmp_path: Path, three: list[Run]) -> None:
    (three[0].folder / "run.json").write_text('{"name": "x"', encoding="utf-8")
    assert finding.find(tmp_path, "last").name == "calm-fox-9"
    assert finding.find(tmp_path, "brisk").name == "brisk-owl-7"
    assert [run.name for run in runs.runs(tmp_path)] == ["calm-fox-9", "brisk-owl-7"]
    with pytest.raises(RunNotFound, match=r"brisk-otter-412/run\.json"):
        finding.find(tmp_path, "brisk-otter-412")


@pytest.mark.parametrize(("status", "kept"), [("FINISHED", False), ("FAILED", True), ("KILLED", True)])
def test_checkpoints_stay_as_long_as_the_run_can_go_on(tmp_path: Path, status: runs.Status, kept: bool) -> None:
    run = runs.create(tmp_path, "digits", "cnn")
    (run.checkpoints / "0").mkdir()
    run.finish(status)
    assert run.checkpoints.exists() == kept


def test_a_run_of_another_process_is_not_taken_and_its_death_is_seen(tmp_path: Path) -> None:
    process, name = elsewhere(tmp_path)
    run = finding.find(tmp_path, name)
    assert run.status == "RUNNING"
    with pytest.raises(WrongInput, match="still running"):
        run.hold()
    process.kill()
    process.communicate()
    assert run.status == "KILLED"
    run.hold()
    assert run.alive


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A search with two trials, and a run that is younger."""
    names = iter(["brisk-otter-412", "calm-fox-9"])
    monkeypatch.setattr(runs, "draw", lambda: next(names))
    search = runs.create(tmp_path, "digits", "cnn", "search")
    for number in ("07", "08", "08-seed-1"):
        runs.create_trial(search, number)
    runs.create(tmp_path, "digits", "cnn")
    return search


def test_a_trial_is_a_run_inside_its_search(tmp_path: Path, search: Run) -> None:
    trial = Run(search.folder / "trials" / "07")
    record = trial.record
    assert (trial.name, record.name, record.kind, record.experiment) == (
        "brisk-otter-412/07", "brisk-otter-412/07", "trial", "digits",
    )  # fmt: skip
    assert trial.root == search.root == tmp_path.resolve()
    assert trial.parent is not None
    assert trial.parent.name == search.name
    assert [each.folder.name for each in search.trials] == ["07", "08", "08-seed-1"]
    assert search.parent is None
    assert (search.record.kind, trial.checkpoints.is_dir()) == ("search", True)


def test_trials_are_found_by_their_searchs_name_and_stand_in_no_listing(tmp_path: Path, search: Run) -> None:
    trial = search.trials[0]
    (trial.folder / "sent.json").write_text('{"run_id": "0af3"}', encoding="utf-8")
    search.update(mlflow_run_id="77aa")
    for text in ("brisk-otter-412/07", "brisk/07", "brisk/7", "77aa/07", "0af3"):
        assert finding.find(tmp_path, text).name == "brisk-otter-412/07"
    assert finding.find(tmp_path, "brisk/08-seed-1").name == "brisk-otter-412/08-seed-1"
    assert finding.find(tmp_path, "brisk").name == "brisk-otter-412"
    assert finding.find(tmp_path, "last").name == "calm-fox-9"
    assert [run.name for run in runs.runs(tmp_path)] == ["calm-fox-9", "brisk-otter-412"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("brisk/99", "brisk-otter-412 has no trial 99\nits trials: 07 to 08-seed-1"),
        ("calm/07", "calm-fox-9 has no trial 07"),
        ("brsk-otter-412/07", "did you mean `brisk-otter-412`?"),
        ("brisk/x", "no run `brisk/x`"),
    ],
)
@pytest.mark.usefixtures("search")
def test_a_trial_that_is_not_found_says_what_there_is(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RunNotFound) as error:
        finding.find(tmp_path, text)
    assert said in str(error.value)


def test_a_trial_made_again_is_gone_on_with(search: Run) -> None:
    first = search.trials[0]
    first.update(status="KILLED", end=runs.now())
    again = runs.create_trial(search, "07")
    assert (again.record.id, again.record.status, again.record.end) == (first.record.id, "RUNNING", None)
    again.update(status="FINISHED")
    assert runs.create_trial(search, "07").record.status == "FINISHED"
    (search.folder / "trials" / "09").mkdir()  # a crash before anything was written
    assert runs.create_trial(search, "09").status == "RUNNING"


def test_a_trial_lives_as_long_as_its_search_or_the_process_that_trains_it(search: Run) -> None:
    waiting, trained, _ = search.trials
    trained.hold()
    assert (waiting.status, trained.status) == ("RUNNING", "RUNNING")
    search.free()
    assert (waiting.status, trained.status) == ("KILLED", "RUNNING")


def test_a_search_stands_for_its_best_trial(tmp_path: Path, search: Run) -> None:
    with pytest.raises(WrongInput, match="has no best trial yet") as error:
        finding.with_model(search)
    assert error.value.hint == "name one of its trials, as brisk-otter-412/07"
    (search.folder / "best.json").write_text('{"trial": "08"}', encoding="utf-8")
    assert finding.with_model(search).name == "brisk-otter-412/08"
    assert finding.with_model(search.trials[0]).name == "brisk-otter-412/07"
    assert finding.with_model(finding.find(tmp_path, "calm")).name == "calm-fox-9"


def test_a_trial_whose_model_was_not_kept_says_how_to_have_one(search: Run) -> None:
    trial = search.trials[0]
    trial.update(status="FINISHED")
    (trial.folder / "resolved.yaml").write_text("", encoding="utf-8")
    with pytest.raises(WrongInput, match="brisk-otter-412/07 is FINISHED and has no model") as error:
        load_predictor(trial, None)
    assert f"kpipe run {trial.folder / 'resolved.yaml'}" in error.value.hint


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
