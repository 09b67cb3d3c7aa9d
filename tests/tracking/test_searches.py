"""A search and its trials in MLflow, through one sender; nothing of Keras is imported."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kpipe import finding, runs
from kpipe.errors import WrongInput
from kpipe.runs import Run
from kpipe.tracking import journal, limits, sender, store, tracking, ui
from kpipe.tracking.journal import Journal
from kpipe.tracking.senders import Senders
from kpipe.tracking.tracking import Tracking

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")  # MLflow's own
SEARCH = """
import pathlib, sys, time
from kpipe import runs
from kpipe.tracking.journal import Journal
from kpipe.tracking.tracking import Tracking
search = runs.create(pathlib.Path(sys.argv[1]), "digits", "cnn", "search")
tracking = Tracking.start(search)
journal = Journal(search.journal)
journal.params({"tune.type": "random"})
for number in ("00", "01"):
    trial = Journal(runs.create_trial(search, number).journal)
    trial.metrics({"train/loss": 0.5}, 1)
    if number == "00":
        trial.end("FINISHED")
tracking.wait()
print(search.name, flush=True)
time.sleep(60)
"""


def begin(root: Path) -> tuple[Run, Journal, Tracking]:
    search = runs.create(root, "digits", "cnn", "search")
    return search, Journal(search.journal), Tracking.start(search)


def finish(writer: Journal, tracker: Tracking) -> None:
    writer.end("FINISHED")
    assert str(tracker.close("FINISHED")).endswith("MLflow has everything")


def finish_trial(trial: Run, writer: Journal) -> None:
    writer.end("FINISHED")
    writer.close()
    trial.update(status="FINISHED", end=runs.now())


def client(root: Path) -> Any:
    return store.connect(store.local_uri(root), root)


def points(mlflow: Any, run: Run, key: str = "train/loss") -> list[tuple[int, float, int]]:
    history = mlflow.get_metric_history(run.mlflow_run_id, key)
    return sorted((point.step, point.value, point.timestamp) for point in history)


def written(run: Run, key: str = "train/loss") -> list[tuple[int, float, int]]:
    events = [event.data for event in journal.read(run.journal) if event.kind == "metrics"]
    return [(data["step"], data["values"][key], data["time"]) for data in events if key in data["values"]]


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)


def save_model(run: Run) -> Path:
    """The files of a saved model that MLflow's packaging looks at."""
    run.model.mkdir()
    schema = {
        "backend": "jax",
        "input": {"dtype": "uint8", "shape": [2], "example": [[1, 2]]},
        "output": [{"name": "label", "type": "string"}],
    }
    (run.model / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    (run.model / "model.weights.h5").write_bytes(b"weights")
    return run.model


def test_trials_are_nested_runs_sent_by_one_process(root: Path) -> None:
    search, writer, tracker = begin(root)
    for number in ("00", "01", "02"):
        trial = runs.create_trial(search, number)
        told = Journal(trial.journal)
        told.params({"dropout": number})
        told.metrics({"train/loss": 0.5}, 1)
        finish_trial(trial, told)
    finish(writer, tracker)
    mlflow = client(root)
    parent = mlflow.get_run(search.record.mlflow_run_id)
    assert parent.info.run_name == search.name
    for trial in search.trials:
        kept = mlflow.get_run(trial.mlflow_run_id)
        assert kept.info.experiment_id == parent.info.experiment_id
        assert kept.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert kept.data.params == {"dropout": trial.folder.name}
        assert (kept.info.run_name, kept.info.status) == (f"{trial.folder.name} of {search.name}", "FINISHED")
        assert finding.find(root, kept.info.run_id).name == trial.name
    assert not Senders(search).behind
    assert tracking.sync(root) == []


def test_eight_trials_at_once_lose_nothing_and_the_search_waits_for_none(root: Path) -> None:
    search, writer, tracker = begin(root)

    def train(number: int) -> float:
        trial = runs.create_trial(search, f"{number:02d}")
        told = Journal(trial.journal)
        epochs = []
        for step in range(100):
            begin = time.perf_counter()
            told.metrics({"train/loss": 1 / (step + 1), "val/loss": 0.5}, step)
            epochs.append(time.perf_counter() - begin)
            time.sleep(0.005)
        finish_trial(trial, told)
        return statistics.median(epochs)

    with ThreadPoolExecutor(8) as pool:
        epochs = list(pool.map(train, range(8)))
    assert max(epochs) < 0.1  # in most epochs: now and then others have the processor or the disk
    finish(writer, tracker)
    mlflow = client(root)
    assert len(mlflow.search_runs(["1"])) == 9
    for trial in search.trials:
        assert len(points(mlflow, trial)) == 100
        assert points(mlflow, trial) == written(trial)


def test_a_sender_killed_midway_loses_and_doubles_nothing(root: Path) -> None:
    search, writer, tracker = begin(root)
    for number in range(6):
        trial = runs.create_trial(search, f"{number:02d}")
        told = Journal(trial.journal)
        for step in range(20):
            told.metrics({"train/loss": 1 / (step + 1)}, step)
        (trial.folder / "log.txt").write_text("log", encoding="utf-8")
        told.artifact(trial.folder / "log.txt")
        finish_trial(trial, told)
    writer.end("FINISHED")
    for killed in range(4):  # each dies a little further on
        wait_until(lambda so_far=killed: len(list(search.folder.glob("trials/*/sent.json"))) > so_far)
        tracker.process.kill()
        tracker.process.communicate()
        tracker = Tracking(search)
    assert tracker.close("FINISHED").sent
    mlflow = client(root)
    assert len(mlflow.search_runs(["1"])) == 7
    for trial in search.trials:
        assert points(mlflow, trial) == written(trial)
        assert [item.path for item in mlflow.list_artifacts(trial.mlflow_run_id)] == ["log.txt"]
        assert mlflow.get_run(trial.mlflow_run_id).info.status == "FINISHED"


def test_a_killed_search_is_marked_with_its_running_trials_and_goes_on(root: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", SEARCH, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    search = finding.find(root, process.stdout.readline().strip())
    done, running = search.trials
    done.update(status="FINISHED")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_until(lambda: search.record.status == "KILLED" and not Senders(search).behind)
    mlflow = client(root)
    ids = [run.mlflow_run_id for run in (search, done, running)]
    wait_until(lambda: [mlflow.get_run(key).info.status for key in (search_id(search), *ids[1:])].count("KILLED") == 2)
    assert [run.record.status for run in (done, running)] == ["FINISHED", "KILLED"]
    assert mlflow.get_run(ids[2]).data.tags["status"] == "killed"

    search.hold(seconds=5)
    search.update(status="RUNNING", end=None)
    tracker = Tracking.start(search)
    writer = Journal(search.journal)
    told = Journal(runs.create_trial(search, "01").journal)
    told.metrics({"train/loss": 0.5}, 1)
    told.metrics({"train/loss": 0.4}, 2)
    finish_trial(running, told)
    finish(writer, tracker)
    statuses = [mlflow.get_run(key).info.status for key in (search_id(search), *ids[1:])]
    assert (statuses, running.mlflow_run_id) == (["FINISHED"] * 3, ids[2])
    assert points(mlflow, running) == written(running)
    assert len(points(mlflow, running)) == 2


def search_id(search: Run) -> str:
    """Where MLflow has a search whose own process did not live to write it down."""
    found: str = json.loads((search.folder / "sent.json").read_text(encoding="utf-8"))["run_id"]
    return found


def test_sync_sends_a_search_with_its_trials_by_the_name_of_either(root: Path) -> None:
    search = runs.create(root, "digits", "cnn", "search")
    search.update(tracking_uri="local")
    Journal(search.journal).end("FINISHED")
    search.finish("FINISHED")
    for number in ("00", "01"):
        trial = runs.create_trial(search, number)
        told = Journal(trial.journal)
        told.metrics({"train/loss": 0.5}, 1)
        finish_trial(trial, told)
    broken = runs.create_trial(search, "02")
    (broken.folder / "run.json").write_text("{", encoding="utf-8")
    Journal(broken.journal).tags({"a": "b"})
    names = [f"{search.name}/00", f"{search.name}/01", search.name]
    assert [(outcome.run, outcome.sent) for outcome in tracking.sync(root, names)] == [(search.name, True)]
    mlflow = client(root)
    assert points(mlflow, search.trials[1]) == written(search.trials[1])
    assert len(mlflow.search_runs(["1"])) == 3
    late = Journal(search.trials[0].journal, resume=False)
    late.metrics({"late": 1.0}, 1)
    assert [outcome.run for outcome in tracking.sync(root)] == [search.name]
    assert tracking.sync(root) == []


@pytest.fixture
def two(root: Path) -> Iterator[Senders]:
    """The senders of a search with two trials that MLflow knows, and which have more to say."""
    search = runs.create(root, "digits", "cnn", "search")
    search.update(tracking_uri="local")
    writers = [Journal(search.journal)]
    for number in ("00", "01"):
        writers.append(Journal(runs.create_trial(search, number).journal))
    for writer in writers:
        writer.metrics({"train/loss": 0.5}, 1)
    senders = Senders(search)
    senders.open()
    assert senders.send() is None
    for writer in writers:
        writer.metrics({"train/loss": 0.4}, 2)
    yield senders
    for writer in writers:
        writer.close()


def test_a_trial_deleted_in_mlflow_does_not_stop_the_others(two: Senders, root: Path) -> None:
    first, second = two.first.run.trials
    mlflow = client(root)
    mlflow.delete_run(first.mlflow_run_id)
    assert "'active' state" in str(two.send(at_once=True))
    assert points(mlflow, second) == written(second)
    mlflow.restore_run(first.mlflow_run_id)
    assert two.send(at_once=True) is None
    assert points(mlflow, first) == written(first)


def test_a_server_that_is_gone_is_not_asked_for_every_trial(two: Senders, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    asked: list[str] = []

    def gone(*_: object, **__: object) -> None:
        asked.append("once")
        raise MlflowException("connection refused")

    for name in ("log_batch", "get_experiment"):
        monkeypatch.setattr(MlflowClient, name, gone)
    assert two.send() == "connection refused"
    assert two.send() is None  # nobody asks again so soon
    assert len(asked) == 2
    monkeypatch.undo()
    assert two.send(at_once=True) is None
    assert not two.behind


def test_a_champion_is_registered_once_even_if_it_is_sent_again(root: Path) -> None:
    search, writer, tracker = begin(root)
    trial = runs.create_trial(search, "00")
    told = Journal(trial.journal)
    told.metrics({"objective": 0.9, "validation/accuracy": 0.9}, 0)
    finish_trial(trial, told)
    late = Journal(trial.journal, resume=False)  # the best is known only when the search has ended
    late.model(save_model(trial))
    late.register("digits", "champion")
    finish(writer, tracker)
    mlflow = client(root)

    def champion() -> tuple[str, str]:
        version = mlflow.get_model_version_by_alias("digits", "champion")
        return str(version.version), version.run_id

    assert champion() == ("1", trial.mlflow_run_id)
    assert mlflow.get_run(trial.mlflow_run_id).info.status == "FINISHED"
    (model,) = mlflow.search_logged_models(["1"])
    assert [metric.key for metric in model.metrics] == ["validation/accuracy"]
    assert json.loads(model.tags["mlflow.modelVersions"]) == [{"name": "digits", "version": "1"}]
    assert mlflow.get_model_version("digits", "1").source == f"models:/{model.model_id}"
    for remembered in search.folder.rglob("sent.json"):
        remembered.unlink()
    assert [outcome.sent for outcome in tracking.sync(root)] == [True]
    assert len(mlflow.search_model_versions("name = 'digits'")) == 1
    mlflow.create_model_version("digits", f"models:/{model.model_id}")
    mlflow.set_registered_model_alias("digits", "champion", "2")
    (trial.folder / "sent.json").unlink()
    tracking.sync(root)
    assert champion()[0] == "2"  # who is champion by now stays it


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", "..", "a@b", "it's", "a%20b"])
def test_a_name_that_no_registered_model_can_have_is_refused_at_once(name: str) -> None:
    assert limits.require_model_name("digits cnn-2.0_é") == "digits cnn-2.0_é"
    with pytest.raises(WrongInput, match="cannot be the name of a registered model"):
        limits.require_model_name(name)


def test_without_a_model_nothing_is_registered_and_that_is_said(root: Path) -> None:
    run = runs.create(root, "digits", "cnn")
    run.update(tracking_uri="local")
    writer = Journal(run.journal)
    writer.model(run.model)  # which is gone by now, as another trial is better
    writer.register("digits", "champion")
    sending = sender.Sender(run)
    sending.open()
    assert sending.send() is None
    tags = client(root).get_run(sending.sent.run_id).data.tags
    assert tags["missing.model"] == "was gone when it should be sent"
    assert tags["missing.model.digits"] == "there was no model to register"


@pytest.mark.slow
def test_a_champion_is_registered_on_a_server(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = 20000 + os.getpid() % 20000
    uri = f"http://{ui.HOST}:{port}"
    words = ["--backend-store-uri", f"sqlite:///{tmp_path}/s.db", "--artifacts-destination", str(tmp_path / "files")]
    command = [sys.executable, "-m", "mlflow", "server", *words, "--host", ui.HOST, "--port", str(port)]
    with (tmp_path / "server.log").open("wb") as log:
        environment = {**os.environ, **store.SETTINGS, "MLFLOW_TRACKING_URI": ""}
        server = subprocess.Popen(
            [*command, "--workers", "1"], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        assert ui.answers(server, port)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        search, writer, tracker = begin(root)
        trial = runs.create_trial(search, "00")
        told = Journal(trial.journal)
        told.model(save_model(trial))
        told.register("digits", "champion")
        finish_trial(trial, told)
        finish(writer, tracker)
        version = store.connect(uri, root).get_model_version_by_alias("digits", "champion")
        assert (str(version.version), version.run_id) == ("1", trial.mlflow_run_id)
    finally:
        ui.stop(server)
