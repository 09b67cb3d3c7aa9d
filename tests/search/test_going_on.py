"""What a search goes on with, what it refuses, and where its trials may run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import psutil
import pytest

import kpipe
from kpipe import finding, runs
from kpipe.errors import RunNotFound, WrongInput
from kpipe.pipeline import Pipeline, effective_yaml
from kpipe.search import ray_cluster
from kpipe.search.carry_out import Task
from kpipe.search.state import State, content_of, difference
from kpipe.search.story import Found
from kpipe.search.worker import Event, Worker, listen

Search = Callable[..., Found]
Small = Callable[..., Pipeline]


@pytest.fixture(autouse=True)
def _on_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")


def scores(found: Found) -> dict[str, float | None]:
    return {trial.name: trial.score for trial in found.trials}


def test_the_same_content_goes_on_and_more_trials_are_added(search: Search, small: Small) -> None:
    first = search(small(max_trials=2))
    more = search(small(max_trials=3, timeout_minutes=10.0))
    assert more.run.folder == first.run.folder
    assert len(more.trials) == 3
    assert scores(more).items() >= scores(first).items()
    nothing_left = search(small(max_trials=3), resume=True)
    assert scores(nothing_left) == scores(more)
    assert nothing_left.best == more.best

    with pytest.raises(WrongInput) as caught:
        search(small({"model.dropout": 0.0}, max_trials=3, executions_per_trial=2), resume=True)
    assert "tune.executions_per_trial: 1 -> 2" in str(caught.value)
    assert "model.dropout: 0.1 -> 0.0" in str(caught.value)
    with pytest.raises(RunNotFound, match="no search of `other`"):
        search(small({"name": "other"}), resume=True)
    first.run.update(status="KILLED")  # a search that was stopped is not left behind for a file changed by mistake
    with pytest.raises(WrongInput, match=f"search {first.run.name}, which has not ended, is of another content"):
        search(small({"model.dropout": 0.0}, max_trials=3))
    first.run.update(status="FINISHED")
    anew = search(small(max_trials=1), fresh=True)
    assert anew.run.folder != first.run.folder
    assert scores(anew)["00"] == scores(first)["00"]


def test_the_difference_of_two_contents_names_paths(small: Small) -> None:
    wider = {"model.dropout": {"min": 0.0, "max": 0.6, "step": 0.2}}
    lines = difference(content_of(small()), content_of(small(space=wider)))
    assert "tune.space.model.dropout.max: 0.4 -> 0.6" in lines
    assert any(line.startswith("tune.space.train.optimizer.AdamW.learning_rate") for line in lines)
    assert content_of(small()) == content_of(small(max_trials=50, trial_timeout_minutes=1.0))


def test_data_that_have_changed_end_the_search(search: Search, small: Small, place: Path) -> None:
    from sklearn.datasets import load_digits

    images, target = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype("uint8")
    np.savez(place / "digits.npz", x=images, y=target)
    data = {"data": {"type": "npz", "path": str(place / "digits.npz"), "batch_size": 256}}
    search(small(data, max_trials=1))
    np.savez(place / "digits.npz", x=images[::-1], y=target[::-1])
    with pytest.raises(WrongInput, match="the data has changed since search"):
        search(small(data, max_trials=2))
    np.savez(place / "digits.npz", x=images, y=target)
    found = search(small(data, max_trials=2))
    assert [trial.status for trial in found.trials] == ["done", "done"]


def test_the_backend_itself_is_searched(search: Search, small: Small) -> None:
    found = search(small(type="grid", max_trials=None, space={"backend": {"choices": ["tensorflow", "jax", "torch"]}}))
    assert {trial.backend: trial.status for trial in found.trials} == dict.fromkeys(
        ("tensorflow", "jax", "torch"), "done"
    )
    assert found.best is not None
    assert f"backend: {found.best.backend}" in (found.run.folder / "best.yaml").read_text(encoding="utf-8")
    with pytest.raises(WrongInput, match="the backend is searched over"):
        search(small(type="grid", space={"backend": {"choices": ["jax", "torch"]}}), option="jax")


def test_trials_on_a_ray_cluster_give_the_same_table(
    search: Search, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real cluster on this machine; then as if its nodes had other disks, and what trials leave must be brought."""
    pipeline = small({"threads": 1})
    here = search(pipeline, workers=2)
    there = search(pipeline, workers=2, fresh=True, ray="local")
    assert scores(there) == scores(here)
    assert len(scores(here)) == 3

    monkeypatch.setattr(ray_cluster.Host, "sees", lambda self, folder, record: False)
    settings = {"type": "hyperband", "max_trials": None, "max_epochs": 2, "factor": 2}
    apart = search(small({"threads": 1}, **settings), ray="local")
    assert {trial.status for trial in apart.trials} == {"done"}
    by_name = {trial.name: trial for trial in apart.trials}
    carried = [trial for trial in apart.trials if trial.carries_on]
    assert carried
    assert all(trial.curve[:1] == by_name[trial.carries_on or ""].curve for trial in carried)
    for found in (there, apart):
        assert found.best is not None
        assert (State(found.run).folder(found.best.name) / "model" / "manifest.json").exists()


def test_places_that_cannot_be_had_are_refused_at_once(search: Search, small: Small, place: Path) -> None:
    for workers in (0, -1, 2000):
        with pytest.raises(WrongInput, match="outside 1 to 1024"):
            search(small(), workers=workers)
    with pytest.raises(WrongInput, match="no cluster answers"):
        search(small(), ray="127.0.0.1:9")
    assert not list((place / "mlruns").glob("runs/*"))


def test_kpipe_tune_returns_a_frame(small: Small, place: Path) -> None:
    file = place / "search.yaml"
    file.write_text(effective_yaml(small(max_trials=2)), encoding="utf-8")
    frame = kpipe.tune(file)
    assert kpipe.tune(str(file), quiet=True, backend="jax").equals(frame)
    assert list(frame["trial"]) == sorted(
        frame["trial"], key=lambda name: -frame.set_index("trial")["val_accuracy"][name]
    )
    assert {"status", "val_accuracy", "model.dropout", "train.optimizer.AdamW.learning_rate", "epochs"} <= set(frame)
    with pytest.raises(WrongInput, match="there is no `tune` section"):
        kpipe.tune({"name": "none", "data": {"type": "sklearn", "dataset": "digits"}, "model": "cnn", "train": "fit"})


def test_the_best_model_is_registered_as_champion_and_predicts(search: Search, small: Small, place: Path) -> None:
    import mlflow
    from sklearn.datasets import load_digits

    with pytest.raises(WrongInput, match="a/b"):
        search(small(), register="a/b")
    found = search(small(max_trials=2), register="digits")
    assert found.best is not None
    assert not found.unsent
    client = mlflow.MlflowClient(f"sqlite:///{place}/mlruns/mlflow.db")
    version = client.get_model_version_by_alias("digits", "champion")
    trial = finding.find(place / "mlruns", f"{found.run.name}/{found.best.name}")
    assert version.run_id == trial.mlflow_run_id
    nested = client.search_runs([client.get_run(version.run_id).info.experiment_id], "tags.trial != ''")
    assert {run.data.tags["mlflow.parentRunId"] for run in nested} == {found.run.mlflow_run_id}
    assert {run.data.metrics["objective"] for run in nested} == set(scores(found).values())
    images = load_digits().images[:4, :, :, None].astype("uint8")
    command = [sys.executable, "-c", PREDICT, str(place)]
    said = subprocess.run(command, input=images.tobytes(), check=True, capture_output=True).stdout
    assert said.split()[-1] == b"4"


PREDICT = """
import sys, mlflow, numpy as np
mlflow.set_tracking_uri(f"sqlite:///{sys.argv[1]}/mlruns/mlflow.db")
images = np.frombuffer(sys.stdin.buffer.read(), "uint8").reshape(4, 8, 8, 1)
print(len(mlflow.pyfunc.load_model("models:/digits@champion").predict(images)))
"""


def test_ctrl_c_keeps_what_has_ended_and_says_how_to_go_on(small: Small, place: Path) -> None:
    file = place / "search.yaml"
    file.write_text(effective_yaml(small(max_trials=40)), encoding="utf-8")
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", "tune", str(file)]
    search = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert search.stdout is not None
    said = [search.stdout.readline(), search.stdout.readline()]
    assert "val_accuracy" in said[1], said
    workers = [one for one in psutil.Process(search.pid).children() if "kpipe.search" in one.cmdline()]
    assert workers
    search.send_signal(signal.SIGINT)
    rest = search.communicate(timeout=60)[0]
    assert search.returncode == 130, rest
    assert "the same command goes on" in rest
    (run,) = runs.runs(place / "mlruns")
    assert run.status == "KILLED"
    ended = [trial for trial in State(run).trials().values() if trial.status == "done"]
    assert ended
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []


def test_trials_of_any_backend_follow_one_that_was_refused(
    search: Search, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first trial of a worker is refused before an engine was chosen; no KERAS_BACKEND says which it would be."""
    monkeypatch.delenv("KERAS_BACKEND")
    filters = [[4, 4, 4, 4, 4], [4]]
    written = {"model.filters": filters[0], "model.pooling": "max"}
    found = search(small(written, type="grid", space={"model.filters": {"choices": filters}}), option="jax")
    assert [trial.status for trial in found.trials] == ["refused", "done"]


def test_a_worker_that_died_is_killed_without_a_word(tmp_path: Path) -> None:
    """What was written to it cannot be flushed any more, and its last line is torn."""
    (tmp_path / "trial").mkdir()
    worker = Worker(8_000_000_000)
    task = Task(name="00", folder=str(tmp_path / "trial"), pipeline={}, backend="jax")
    worker.begin(task)
    assert worker.process is not None
    worker.process.kill()
    worker.process.wait()
    worker.stop()
    worker.begin(task)
    worker.kill()
    torn = subprocess.Popen(["printf", '{"event": "alive"}\n{"event": "exec'], stdout=subprocess.PIPE, text=True)
    heard: SimpleQueue[Event] = SimpleQueue()
    listen(torn, heard)
    assert [heard.get()["event"] for _ in range(heard.qsize())] == ["alive", "died"]


def test_a_worker_ends_with_its_search_and_keeps_its_log(tmp_path: Path) -> None:
    """Standard input closed is the end; what a trial prints is in the trial's own log."""
    (tmp_path / "trial").mkdir()
    worker = Worker(8_000_000_000)
    worker.begin(Task(name="00", folder=str(tmp_path / "trial"), pipeline={}, backend="jax"))
    assert worker.process is not None
    until, events = time.monotonic() + 60, []
    while not events and time.monotonic() < until:
        events += worker.events()
        time.sleep(0.05)
    assert events[0]["event"] == "refused"
    assert "name: missing" in events[0]["message"]
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.process.wait(timeout=20) == 0
    assert (tmp_path / "trial" / "log.txt").exists()
    assert os.environ["KERAS_BACKEND"] == "jax"
