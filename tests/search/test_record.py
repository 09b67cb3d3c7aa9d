from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe import runs, serving
from kpipe.pipeline import Pipeline
from kpipe.runs import Run
from kpipe.search import record
from kpipe.search.trial import Trial
from kpipe.spec.override import override
from kpipe.tracking import journal as journals
from kpipe.tracking import store, tracking
from kpipe.tracking.journal import Journal
from kpipe.training.method import Epoch
from kpipe.tuning.random import Random
from kpipe.tuning.space import short_names

WRITTEN: dict[str, Any] = {
    "name": "tiny",
    "data": {"type": "sklearn", "dataset": "digits"},
    "model": {"type": "cnn", "filters": [4, 8]},
    "train": {"type": "fit", "epochs": 1, "optimizer": {"AdamW": {"learning_rate": 0.001}}},
}
RATE = "train.0.optimizer.AdamW.learning_rate"
SEARCH = Random.model_validate(
    {
        "objective": "val_accuracy",
        "space": {
            "model.dropout": {"min": 0.0, "max": 0.5, "step": 0.1},
            RATE: {"min": 1e-4, "max": 1e-2, "sampling": "log"},
            "model.filters": {"choices": [[4, 8], [8, 16]], "when": {"model.batch": True}},
            "model.batch": {"boolean": True},
        },
    }
)
NAMES = short_names(SEARCH.space)
TRIAL = Trial(name="07", values={"model.dropout": 0.1 + 0.2, RATE: 0.00021345678, "model.filters": [8, 16]})
DONE = TRIAL.model_copy(
    update={
        "status": "done",
        "score": 0.91,
        "scores": (0.9, 0.92),
        "metrics": {"accuracy": 0.91, "loss": math.inf, "recall/3": 0.7},
        "epochs": 1,
        "seconds": 2.5,
        "backend": "jax",
    }
)
EPOCH = Epoch("fit", 1, 20, 0.5, 100.0, 0.001, {"loss": 0.5, "val_loss": 0.6})


@pytest.fixture
def search(tmp_path: Path) -> Run:
    return runs.create(tmp_path / "mlruns", "digits", "tiny", "search")


@pytest.fixture
def trial(search: Run) -> Run:
    run = runs.create_trial(search, "07")
    for file in ("resolved.yaml", "log.txt"):
        (run.folder / file).write_text("text", encoding="utf-8")
    return run


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline.model_validate(override(WRITTEN, {path: TRIAL.values[path] for path in TRIAL.values}))


def told(run: Run) -> tuple[dict[str, str], dict[str, str], dict[tuple[str, int], float], list[str]]:
    """Params, tags, numbers and files, as they stand in the end."""
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    numbers: dict[tuple[str, int], float] = {}
    files: list[str] = []
    for event in journals.read(run.journal):
        values = event.data.get("values", {})
        if event.kind == "params":
            params |= values
        elif event.kind == "tags":
            tags |= values
        elif event.kind == "metrics":
            numbers |= {(name, event.data["step"]): value for name, value in values.items()}
        elif event.kind == "artifact":
            files.append(event.data["file"])
    return params, tags, numbers, files


def test_a_search_says_what_it_looks_for_and_where(search: Run, pipeline: Pipeline) -> None:
    (search.folder / "resolved.yaml").write_text("text", encoding="utf-8")
    record.begin_search(Journal(search.journal), pipeline, SEARCH, NAMES, "jax")
    params, tags, _, files = told(search)
    assert {name: value for name, value in params.items() if name.startswith("space.")} == {
        "space.dropout": "0 to 0.5, step 0.1",
        "space.learning_rate": "0.0001 to 0.01, log",
        "space.filters": "4, 8 | 8, 16 (when model.batch: true)",
        "space.batch": "false | true",
    }
    assert (params["tune.type"], params["tune.direction"], params["tune.max_trials"]) == ("random", "max", "20")
    assert (tags["pipeline"], tags["backend"]) == ("tiny", "jax")
    assert files == ["resolved.yaml", "artifacts/environment.txt"]


def test_a_trial_begins_with_what_was_searched_under_short_names(trial: Run, pipeline: Pipeline) -> None:
    record.begin_trial(trial, TRIAL, NAMES, pipeline)
    params, tags, numbers, files = told(trial)
    first = list(params.items())[:3]
    assert first == [("dropout", "0.3"), ("learning_rate", "0.000213457"), ("filters", "8, 16")]
    assert params["data.dataset"] == "digits"
    assert not {"model.dropout", "model.filters", "train.optimizer.AdamW.learning_rate"} & set(params)
    assert (tags["trial"], tags["status"], tags["search"]) == ("07", "running", trial.name.split("/")[0])
    assert math.isnan(numbers["objective", 0])
    assert files == ["resolved.yaml"]


def test_curves_of_later_executions_stand_apart(trial: Run, pipeline: Pipeline) -> None:
    writer = record.begin_trial(trial, TRIAL, NAMES, pipeline)
    record.write_epoch(writer, EPOCH, several_stages=False)
    record.write_epoch(writer, EPOCH, several_stages=False, execution=1)
    record.write_epoch(writer, replace(EPOCH, stage="2-fit"), several_stages=True, execution=2)
    numbers = told(trial)[2]
    assert numbers["train/loss", 20] == numbers["execution-1/train/loss", 20] == 0.5
    assert numbers["val/loss", 20] == numbers["execution-2/2-fit/val/loss", 20] == 0.6


def test_the_end_of_a_trial_is_written_once(trial: Run, pipeline: Pipeline) -> None:
    record.end_trial(record.begin_trial(trial, TRIAL, NAMES, pipeline), DONE)
    before = trial.journal.read_bytes()
    record.end_trial(Journal(trial.journal, resume=False), DONE)
    assert trial.journal.read_bytes() == before
    _, tags, numbers, files = told(trial)
    assert (tags["status"], tags["backend"]) == ("done", "jax")
    assert numbers["objective", 0] == numbers["validation/accuracy", 0] == 0.91
    assert numbers["objective_spread", 0] == pytest.approx(0.0141, abs=1e-4)
    assert (numbers["cost/epochs", 0], numbers["cost/seconds", 0]) == (1, 2.5)
    assert ("validation/loss", 0) not in numbers  # it was infinite
    assert ("validation/recall/3", 0) not in numbers
    assert files == ["resolved.yaml", "log.txt"]
    assert (trial.record.status, trial.record.backend) == ("FINISHED", "jax")


def test_an_end_torn_by_a_crash_is_made_whole_and_doubles_nothing(trial: Run, pipeline: Pipeline) -> None:
    record.end_trial(record.begin_trial(trial, TRIAL, NAMES, pipeline), DONE)
    whole = told(trial)[2]
    lines = trial.journal.read_bytes().splitlines(keepends=True)
    for kept in range(len(lines) - 5, len(lines)):  # the crash came after so many lines
        trial.journal.write_bytes(b"".join(lines[:kept]))
        record.end_trial(Journal(trial.journal, resume=False), DONE)
        events = journals.read(trial.journal)
        points = [
            (name, event.data["step"])
            for event in events
            for name in event.data.get("values", ())
            if event.kind == "metrics"
        ]
        assert [event.kind for event in events].count("end") == 1
        assert sorted(points) == sorted([*whole, ("objective", 0)])  # that one was NaN first


def test_a_trial_whose_end_was_not_written_before_it_was_taken_for_dead_has_ended(trial: Run) -> None:
    writer = record.begin_trial(trial, TRIAL, NAMES, None)
    writer.end("KILLED")
    for _ in range(2):
        record.end_trial(Journal(trial.journal, resume=False), DONE)
    ends = [event.data["status"] for event in journals.read(trial.journal) if event.kind == "end"]
    assert ends == ["KILLED", "FINISHED"]
    assert told(trial)[2]["objective", 0] == 0.91


def test_a_trial_that_was_killed_goes_on(trial: Run, pipeline: Pipeline) -> None:
    writer = record.begin_trial(trial, TRIAL, NAMES, pipeline)
    record.write_epoch(writer, EPOCH, several_stages=False)
    writer.end("KILLED")
    writer = record.begin_trial(trial, TRIAL, NAMES, pipeline)
    record.write_epoch(writer, EPOCH, several_stages=False)
    record.end_trial(writer, DONE)
    events = journals.read(trial.journal)
    kinds = [event.kind for event in events]
    assert (kinds.count("params"), kinds.count("resume"), kinds.count("end")) == (2, 1, 2)
    assert sum("train/loss" in event.data.get("values", ()) for event in events) == 1
    assert trial.record.status == "FINISHED"


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("done", "FINISHED"),
        ("stopped", "FINISHED"),
        ("repeated", "FINISHED"),
        ("failed", "FAILED"),
        ("refused", "FAILED"),
    ],
)
def test_each_way_to_end_is_told(trial: Run, status: str, ended: str) -> None:
    writer = record.begin_trial(trial, TRIAL, NAMES, None)
    record.end_trial(writer, TRIAL.model_copy(update={"status": status, "message": "because"}))
    _, tags, numbers, _ = told(trial)
    assert (tags["status"], tags["message"], trial.record.status) == (status, "because", ended)
    assert math.isnan(numbers["objective", 0])


def test_a_search_tells_how_far_it_has_come(search: Run) -> None:
    writer = Journal(search.journal)
    failed = TRIAL.model_copy(update={"status": "failed"})
    record.write_progress(writer, [failed], None, NAMES)
    record.write_progress(writer, [failed, DONE], DONE, NAMES)
    record.write_progress(Journal(search.journal), [failed, DONE], DONE, NAMES)
    _, tags, numbers, _ = told(search)
    assert numbers == {
        ("trials/done", 1): 0, ("trials/failed", 1): 1,
        ("trials/done", 2): 1, ("trials/failed", 2): 1, ("best/objective", 2): 0.91,
    }  # fmt: skip
    assert (tags["best.trial"], tags["best.dropout"], tags["best.filters"]) == ("07", "0.3", "8, 16")
    said = "Best of 2: trial 07, objective 0.91, with dropout 0.3, learning_rate 0.000213457, filters 8, 16"
    assert tags["mlflow.note.content"] == said


def test_the_files_of_a_search_are_shown(search: Run) -> None:
    (search.artifacts / "pictures").mkdir()
    names = ["artifacts/report.html", "best.yaml", "artifacts/pictures/a.png"]
    for name in names:
        (search.folder / name).write_text("text", encoding="utf-8")
    record.end_search(Journal(search.journal))
    assert told(search)[3] == names


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.1 + 0.2, "0.3"), (3, "3"), (True, "true"), (None, "null"), ("batch", "batch"), ([8, 16], "8, 16"), ([], "[]"),
     ({"AdamW": {"learning_rate": 0.01}}, "AdamW.learning_rate: 0.01")],
)  # fmt: skip
def test_values_are_short(value: Any, said: str) -> None:
    assert record.words(value) == said


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")  # MLflow's own
def test_the_champion_of_a_search_predicts(
    backend: str, search: Run, trial: Run, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    for name, setting in store.SETTINGS.items():
        monkeypatch.setenv(name, setting)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    splits = pipeline.data.load(0)
    model = pipeline.model.build(splits.signature)
    images = splits.test.take(np.arange(5))["image"]
    with record.recorded(search) as recording:
        record.begin_search(recording.journal, pipeline, SEARCH, NAMES, backend)
        writer = record.begin_trial(trial, TRIAL, NAMES, pipeline)
        serving.save(trial.model, pipeline, splits.signature, splits.preparation, model, {"image": images[:1]})
        record.end_trial(writer, DONE)
        for _ in range(2):
            record.write_model(Journal(trial.journal, resume=False), trial.model, registered="digits")
    assert recording.unsent == ""
    assert tracking.sync(search.root) == []
    store.connect(store.local_uri(search.root), search.root)
    champion = mlflow.pyfunc.load_model("models:/digits@champion")
    answers = champion.predict(images)
    assert len(answers) == 5
    expected = serving.load(trial.model).answers({"image": images})
    assert list(answers["label"]) == [answer["label"] for answer in expected]
