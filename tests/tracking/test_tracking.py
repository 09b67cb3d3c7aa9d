"""MLflow is asked here through its own client, on stores in tmp_path; nothing of Keras is imported."""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kpipe import finding, runs
from kpipe.errors import TrackingError, WrongInput
from kpipe.runs import Run
from kpipe.tracking import journal, limits, packaging, sender, store, tracking, ui
from kpipe.tracking.journal import Journal
from kpipe.tracking.tracking import Tracking

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")  # MLflow's own
PROFILE = {
    "examples": 3,
    "inputs": {"image": [[8, 8, 1], "uint8"]},
    "target": "classes",
    "targets": [[], "int32"],
    "names": ["0", "1"],
}
TRAINING = """
import pathlib, sys, time
from kpipe import runs
from kpipe.tracking.journal import Journal
from kpipe.tracking.tracking import Tracking
run = runs.create(pathlib.Path(sys.argv[1]), "digits", "cnn")
tracking = Tracking.start(run)
journal = Journal(run.journal)
tracking.wait()
print(run.name, flush=True)
for step in range(1, int(sys.argv[2]) + 1):
    journal.metrics({"train/loss": 1 / step, "val/loss": 2 / step}, step)
if sys.argv[3] == "die":
    time.sleep(60)
journal.end("FINISHED")
outcome = tracking.close("FINISHED")
print(outcome.message, flush=True)
"""


def start(root: Path, experiment: str = "digits") -> tuple[Run, Journal, Tracking]:
    run = runs.create(root, experiment, "cnn")
    return run, Journal(run.journal), Tracking.start(run)


def client(root: Path, uri: str | None = None) -> Any:
    return store.connect(uri or store.local_uri(root), root)


def points(mlflow: Any, run: Run, key: str = "train/loss") -> list[tuple[int, float, int]]:
    """Step, value and timestamp of every point MLflow has, in order."""
    history = mlflow.get_metric_history(run.record.mlflow_run_id, key)
    return sorted((point.step, point.value, point.timestamp) for point in history)


def written(run: Run, key: str = "train/loss") -> list[tuple[int, float, int]]:
    """The same, as the journal has it."""
    events = [event.data for event in journal.read(run.journal) if event.kind == "metrics"]
    return [(data["step"], data["values"][key], data["time"]) for data in events if key in data["values"]]


def wait_until(true: Callable[[], bool], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)


def save_model(run: Run) -> None:
    """The files of a saved model that MLflow's packaging looks at."""
    run.model.mkdir()
    schema = {
        "backend": "jax",
        "input": {"dtype": "uint8", "shape": [2], "example": [[1, 2]]},
        "output": [{"name": "label", "type": "string"}],
    }
    (run.model / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    (run.model / "model.weights.h5").write_bytes(b"weights")


def test_a_run_in_mlflow_holds_all_that_was_written(root: Path) -> None:
    run, writer, tracker = start(root)
    writer.params({"model.filters": "8, 16", "long": "x" * 7000})
    writer.tags({"backend": "jax"})
    for context in ("train", "validation", "test"):
        writer.dataset(context, "sklearn digits", "ab" * 32, "sklearn digits", PROFILE)
    for step in (20, 40):
        writer.metrics({"train/loss": 1 / step, "val/top 5 (%)": 0.5}, step)
    (run.artifacts / "a.png").write_bytes(b"picture")
    writer.artifact(run.artifacts / "a.png", "pictures")
    writer.artifact(run.artifacts / "gone.txt")
    save_model(run)
    writer.model(run.model)
    writer.metrics({"test/accuracy": 0.98}, 40)
    run_id = tracker.wait()
    writer.end("FINISHED")
    assert str(tracker.close("FINISHED")) == f"{run.name}: MLflow has everything"

    mlflow = client(root)
    kept = mlflow.get_run(run_id)
    assert (kept.info.run_name, kept.info.status) == (run.name, "FINISHED")
    assert kept.info.start_time == int(run.record.start.timestamp() * 1000)
    assert kept.data.params["model.filters"] == "8, 16"
    assert len(kept.data.params["long"]) == 6000
    assert kept.data.tags["backend"] == "jax"
    assert "missing.artifacts/gone.txt" in kept.data.tags
    assert kept.data.metrics == {"train/loss": 0.025, "val/top 5 ___": 0.5, "test/accuracy": 0.98}
    assert points(mlflow, run) == written(run)
    contexts = {item.dataset.name: item.tags[0].value for item in kept.inputs.dataset_inputs}
    assert contexts == {f"sklearn digits {split}": split for split in ("train", "validation", "test")}
    assert [item.path for item in mlflow.list_artifacts(run_id, "pictures")] == ["pictures/a.png"]
    (model,) = mlflow.search_logged_models([kept.info.experiment_id])
    assert (model.source_run_id, str(model.status)) == (run_id, "READY")
    (metric,) = model.metrics
    assert (metric.key, metric.value, metric.dataset_name) == ("test/accuracy", 0.98, "sklearn digits test")
    assert model.params["model.filters"] == "8, 16"


def test_training_pays_almost_nothing_and_the_end_is_quick(root: Path) -> None:
    run, writer, tracker = start(root)
    tracker.wait()
    epochs = []
    for step in range(100):
        begin = time.perf_counter()
        writer.metrics({f"train/metric_{number}": 0.5 for number in range(8)}, step)
        epochs.append(time.perf_counter() - begin)
    wait_until(lambda: not sender.Sender(run).behind)
    writer.end("FINISHED")
    begin = time.perf_counter()
    assert tracker.close("FINISHED").sent
    assert time.perf_counter() - begin < 30
    assert statistics.median(epochs) < 0.005  # most of them: now and then others have the processor or the disk


def test_training_does_not_wait_for_the_local_store(root: Path) -> None:
    run, writer, tracker = start(root)
    tracker.ready()
    assert run.record.mlflow_run_id is None
    writer.end("FINISHED")
    assert tracker.close("FINISHED").sent
    assert client(root).get_run(run.record.mlflow_run_id).info.status == "FINISHED"


@pytest.mark.slow
def test_eight_runs_start_in_a_fresh_store_at_once_and_lose_nothing(fresh: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", TRAINING, str(fresh), "100", "end"], stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    said = [process.communicate(timeout=120)[0].splitlines() for process in started]
    assert [process.returncode for process in started] == [0] * 8
    assert [lines[1:] for lines in said] == [[""]] * 8
    mlflow = client(fresh)
    assert len(mlflow.search_experiments(filter_string="name = 'digits'")) == 1
    for lines in said:
        run = finding.find(fresh, lines[0])
        assert len(points(mlflow, run)) == 100
        assert points(mlflow, run) == written(run)


def test_a_killed_training_is_marked_and_what_it_wrote_is_sent(root: Path) -> None:
    command = [sys.executable, "-c", TRAINING, str(root), "30", "die"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    run = finding.find(root, process.stdout.readline().strip())
    wait_until(lambda: len(written(run)) == 30)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_until(lambda: run.record.status == "KILLED" and not sender.Sender(run).behind)
    mlflow = client(root)
    wait_until(lambda: mlflow.get_run(run.record.mlflow_run_id).info.status == "KILLED")
    assert points(mlflow, run) == written(run)


def test_a_killed_sender_is_replaced_at_the_end(root: Path) -> None:
    run, writer, tracker = start(root)
    tracker.wait()
    writer.metrics({"train/loss": 0.5}, 1)
    tracker.process.kill()
    tracker.process.wait()
    writer.metrics({"train/loss": 0.4}, 2)
    writer.end("FINISHED")
    assert tracker.close("FINISHED").sent
    assert points(client(root), run) == written(run)


def test_a_sender_killed_before_it_could_remember_makes_nothing_twice(root: Path) -> None:
    run, writer, tracker = start(root)
    writer.metrics({"train/loss": 0.5}, 1)
    save_model(run)
    writer.model(run.model)
    writer.dataset("train", "digits", "ab", "sklearn digits", PROFILE)
    writer.end("FINISHED")
    tracker.wait()
    tracker.close("FINISHED")
    (run.folder / "sent.json").unlink()
    assert [outcome.message for outcome in tracking.sync(root)] == [""]
    mlflow = client(root)
    (kept,) = mlflow.search_runs(["1"])
    assert len(mlflow.search_logged_models(["1"])) == len(kept.inputs.dataset_inputs) == 1
    assert points(mlflow, run) == written(run)
    assert tracking.sync(root) == []


def test_a_name_mlflow_does_not_take_is_made_one_that_it_does(root: Path) -> None:
    run, writer, tracker = start(root)
    writer.params({"model.f(x)": "1"})
    writer.params({"model.f(x)": "2"})
    writer.tags({"team (eu)": "a"})
    writer.end("FINISHED")
    assert str(tracker.close("FINISHED")) == f"{run.name}: MLflow has everything"
    tags = client(root).get_run(run.record.mlflow_run_id).data.tags
    assert (tags["team _eu_"], tags["resumed.model.f_x_"]) == ("a", "2")


def test_an_event_that_mlflow_refuses_is_left_out_and_said(root: Path) -> None:
    run, writer, tracker = start(root)
    writer.metrics({"train/loss": 0.5}, 1)
    writer.params({"rate": "1", "rate?": "1"})
    writer.params({"rate!": "2", "rate_": "3"})  # one name for MLflow, with two values
    writer.metrics({"train/loss": 0.4}, 2)
    writer.end("FINISHED")
    outcome = tracker.close("FINISHED")
    assert outcome.sent
    assert outcome.message.startswith(f"MLflow refused an entry of {run.name}")
    assert outcome.message.endswith("tracking.log")
    log = (run.folder / "tracking.log").read_text(encoding="utf-8")
    assert "left out, as MLflow refuses it: params" in log
    mlflow = client(root)
    assert points(mlflow, run) == written(run)
    assert mlflow.get_run(run.record.mlflow_run_id).info.status == "FINISHED"
    assert tracking.sync(root) == []


def test_a_run_deleted_in_mlflow_loses_nothing(root: Path) -> None:
    run, writer, tracker = start(root)
    run_id = tracker.wait()
    mlflow = client(root)
    mlflow.delete_run(run_id)
    writer.metrics({"train/loss": 0.5}, 1)
    writer.end("FINISHED")
    assert "'active' state" in tracker.close("FINISHED").message
    mlflow.restore_run(run_id)
    assert [outcome.message for outcome in tracking.sync(root)] == [""]
    assert points(mlflow, run) == written(run)


def test_a_sender_that_died_is_not_called_slow(root: Path) -> None:
    run, writer, tracker = start(root)
    tracker.wait()
    writer.end("FINISHED")
    run.free()
    tracker.process.kill()
    outcome = tracker.finish()
    assert not outcome.sent
    assert f"died: see {run.folder / 'tracking.log'}" in outcome.message


def test_a_run_that_mlflow_does_not_take_is_an_error_of_tracking(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def refuse(*_: object, **__: object) -> None:
        raise MlflowException("no rights to make runs")

    monkeypatch.setattr(MlflowClient, "create_run", refuse)
    run = runs.create(root, "digits", "cnn")
    run.update(tracking_uri="local")
    with pytest.raises(TrackingError, match="no rights to make runs"):
        sender.Sender(run).open()


def test_one_damaged_record_does_not_stop_the_others_from_being_sent(root: Path) -> None:
    damaged = runs.create(root, "digits", "cnn")
    (damaged.folder / "run.json").write_text("{", encoding="utf-8")
    run = runs.create(root, "digits", "cnn")
    writer = Journal(run.journal)
    writer.end("FAILED")
    run.update(tracking_uri="local")
    run.finish("FAILED")
    assert [(outcome.run, outcome.sent) for outcome in tracking.sync(root)] == [(run.name, True)]


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")  # MLflow's own, at import
def test_the_metrics_of_single_classes_cost_no_request(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    asked: list[str] = []
    history = MlflowClient.get_metric_history
    monkeypatch.setattr(
        MlflowClient, "get_metric_history", lambda self, run, key: asked.append(key) or history(self, run, key)
    )
    run = runs.create(root, "digits", "cnn")
    run.update(tracking_uri="local")
    writer = Journal(run.journal)
    writer.metrics({"test/accuracy": 0.9, "test/recall/cat": 0.8, "test/recall/dog": 0.7}, 1)
    save_model(run)
    writer.model(run.model)
    writer.end("FINISHED")
    sending = sender.Sender(run)
    sending.open()
    assert sending.send() is None
    assert asked == ["test/accuracy"]


def test_files_of_the_user_are_not_taken_for_those_of_python_or_mlflow(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadow(tmp_path)
    monkeypatch.chdir(tmp_path)
    _, writer, tracker = start(root)
    writer.end("FINISHED")
    assert tracker.close("FINISHED").sent


@pytest.mark.slow
def test_the_ui_starts_in_a_folder_with_such_files(root: Path, tmp_path: Path) -> None:
    shadow(tmp_path)
    kpipe = str(Path(sys.executable).with_name("kpipe"))
    process = subprocess.Popen(
        [kpipe, "ui", "--port", str(free_port())], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert "http://127.0.0.1" in said, (root / "ui.log").read_text(encoding="utf-8")


def shadow(folder: Path) -> None:
    """Files called as modules that the sender and the server import."""
    for name in ("select.py", "queue.py", "uvicorn.py", "mlflow/__init__.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("raise SystemExit('the wrong one')\n", encoding="utf-8")


def test_a_resumed_run_goes_on_in_the_same_mlflow_run(root: Path) -> None:
    run, writer, tracker = start(root)
    first = tracker.wait()
    writer.metrics({"train/loss": 0.5}, 1)
    writer.end("KILLED")
    tracker.close("KILLED")
    run.hold()
    run.update(status="RUNNING", end=None)
    tracker = Tracking.start(run)
    writer = Journal(run.journal)
    writer.metrics({"train/loss": 0.4}, 2)
    assert tracker.wait() == first
    writer.end("FINISHED")
    assert tracker.close("FINISHED").sent
    mlflow = client(root)
    assert mlflow.get_run(first).info.status == "FINISHED"
    assert points(mlflow, run) == written(run)


def test_a_moved_store_shows_its_artifacts(root: Path, tmp_path: Path) -> None:
    run, writer, tracker = start(root)
    (run.artifacts / "a.txt").write_text("a", encoding="utf-8")
    writer.artifact(run.artifacts / "a.txt")
    run_id = tracker.wait()
    writer.end("FINISHED")
    tracker.close("FINISHED")
    there = tmp_path / "elsewhere"
    root.rename(there)
    mlflow = client(there)
    assert [item.path for item in mlflow.list_artifacts(run_id)] == ["a.txt"]
    assert mlflow.get_experiment_by_name("digits").artifact_location == (there / "artifacts" / "digits").as_uri()


def test_an_unreachable_server_is_an_error_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:hunter2@127.0.0.1:{free_port()}")
    _, writer, tracker = start(root)
    with pytest.raises(TrackingError) as error:
        tracker.ready()
    assert "http://me:***@127.0.0.1" in error.value.message
    assert "connection refused" in error.value.message
    assert "MLFLOW_TRACKING_URI" in error.value.hint
    writer.end("FAILED")
    assert not tracker.close("FAILED").sent
    kept = [path.read_text(errors="replace") for path in root.rglob("*") if path.is_file()]
    assert kept
    assert not any("hunter2" in text for text in kept)


@pytest.mark.parametrize("uri", ["file:///tmp/x", "nonsense://x"])
def test_a_store_that_mlflow_cannot_use_is_named(root: Path, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    _, _, tracker = start(root)
    with pytest.raises(TrackingError, match=uri):
        tracker.ready()


def test_a_deleted_experiment_is_explained(root: Path) -> None:
    mlflow = client(root)
    mlflow.delete_experiment(mlflow.create_experiment("digits"))
    _, _, tracker = start(root)
    with pytest.raises(TrackingError, match="was deleted in MLflow"):
        tracker.wait()


def test_a_password_is_asked_for_where_it_is_not_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.without_password("postgresql://me:p%40ss@db:5432/x") == "postgresql://me:***@db:5432/x"
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_URI"):
        store.resolve("postgresql://me:***@db/x", root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:word@db/x")
    assert store.resolve("postgresql://me:***@db/x", root) == "postgresql://me:word@db/x"
    assert store.resolve("local", root) == store.local_uri(root)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("val/f1 (macro)", "val/f1 _macro_"),
        ("/a//b", "a/b"),
        ("..", "_"),
        ("größe", "größe"),
        ("a" * 249 + "/b", "a" * 249),
    ],
)
def test_names_are_made_what_mlflow_takes(name: str, key: str) -> None:
    assert limits.key_of(name) == key


def test_the_packages_a_model_needs_have_versions() -> None:
    needed = packaging.requirements("jax")
    assert all(requirement.count("==") == 1 for requirement in needed)
    assert {"keras", "jax", "numpy"} <= {requirement.split("==")[0] for requirement in needed}


def test_the_ui_refuses_a_port_that_is_taken(root: Path) -> None:
    with socket.socket() as taken:
        taken.bind((ui.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(WrongInput, match=f"kpipe ui --port {port + 1}"):
            ui.serve(root, port)


@pytest.mark.slow
def test_a_server_that_goes_away_and_comes_back_gets_everything(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    uri = f"http://{ui.HOST}:{port}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with server(tmp_path, port):
        run, writer, tracker = start(root)
        tracker.wait()
        writer.metrics({"train/loss": 0.5}, 1)
        wait_until(lambda: sender.Sender(run).sent.offset > 0)
    for step in range(2, 6):
        writer.metrics({"train/loss": 1 / step}, step)
    save_model(run)
    writer.model(run.model)
    (run.artifacts / "a.txt").write_text("a", encoding="utf-8")
    writer.artifact(run.artifacts / "a.txt")
    writer.end("FINISHED")
    begin = time.monotonic()
    outcome = tracker.close("FINISHED")
    assert time.monotonic() - begin < 60  # MLflow itself would try for minutes
    assert not outcome.sent
    assert outcome.message.endswith(f"kpipe sync {run.name}")
    (outcome,) = tracking.sync(root)
    assert (outcome.sent, "connection refused" in outcome.message) == (False, True)
    with server(tmp_path, port):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
        assert [done.sent for done in tracking.sync(root)] == [True]
        assert tracking.sync(root) == []
        mlflow = client(root, uri)
        assert points(mlflow, run) == written(run)
        kept = mlflow.get_run(run.record.mlflow_run_id)
        assert (kept.info.status, kept.info.end_time) == ("FINISHED", journal.read(run.journal)[-1].data["time"])
        assert [item.path for item in mlflow.list_artifacts(kept.info.run_id)] == ["a.txt"]
        assert len(mlflow.search_logged_models([kept.info.experiment_id])) == 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ui.HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class server:  # noqa: N801
    """``mlflow server`` for as long as the block lasts, on one store whenever it is started again."""

    def __init__(self, folder: Path, port: int) -> None:
        words = [
            "--backend-store-uri",
            f"sqlite:///{folder}/server.db",
            "--artifacts-destination",
            str(folder / "files"),
        ]
        more = ["--host", ui.HOST, "--port", str(port), "--workers", "1"]
        self.command = [sys.executable, "-m", "mlflow", "server", *words, *more]
        self.log, self.port = folder / "server.log", port

    def __enter__(self) -> None:
        with self.log.open("ab") as log:
            environment = {**os.environ, **store.SETTINGS, "MLFLOW_TRACKING_URI": ""}
            self.process = subprocess.Popen(
                self.command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        assert ui.answers(self.process, self.port), self.log.read_text(encoding="utf-8")

    def __exit__(self, *_: object) -> None:
        ui.stop(self.process)
