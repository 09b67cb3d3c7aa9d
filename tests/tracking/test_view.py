"""The view of an experiment's runs that ``kpipe ui`` saves for MLflow's pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kpipe.tracking import store, ui, view

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")  # MLflow's own


def test_params_that_differ_are_columns() -> None:
    first = {"model.dropout": "0.1", "seed": "0", "model.units": "8", "engine": "short"}
    second = {"model.dropout": "0.2", "seed": "0", "engine": "x" * 50}
    third = {"model.dropout": "0.3", "seed": "1", "backend": "jax"}
    assert view.differing([first, second, third]) == ["model.dropout", "seed"]
    assert view.differing([{"backend": "jax", "a": "1"}, {"backend": "torch", "a": "2"}, {"a": "3"}]) == [
        "backend",
        "a",
    ]


def test_a_searched_param_is_one_column() -> None:
    trials = [{"dropout": "0.1"}, {"dropout": "0.2"}]
    finalists = [{"model.dropout": "0.1"}, {"model.dropout": "0.2"}]
    assert view.differing([*trials, *finalists]) == ["dropout"]


def test_the_first_numbers_of_the_test_are_columns() -> None:
    run = {"val/loss": 1.0, "test/rmse": 1.0, "test/mae": 1.0, "test/f1/cat": 1.0, "test/r2": 1.0, "test/last": 1.0}
    assert view.results([run, run], ("r2", "bleu", "rmse")) == ["test/r2", "test/rmse"]
    assert view.results([run, run], ()) == ["test/last", "test/mae", "test/r2"]
    assert view.results([{"objective": 1.0, "validation/rmse": 1.0}], ()) == ["objective"]


def test_curves_come_before_progress_and_single_classes() -> None:
    names = ["progress/epoch", "test/f1/cat", "test/f1", "train/loss", "1-fit/val/loss", "val/loss", "objective"]
    sections = [(section["name"], section["display"]) for section in view.sections(names)]
    assert sections == [
        ("Model metrics", True), ("1-fit/val", True), ("val", True), ("train", True), ("test", True),
        ("progress", False), ("test/f1", False), ("System metrics", True),
    ]  # fmt: skip


@pytest.fixture
def mlflow(root: Path) -> Any:
    return store.connect(store.local_uri(root), root)


def test_each_experiment_with_runs_has_a_view_which_follows_its_runs(mlflow: Any) -> None:
    digits, _ = (mlflow.create_experiment(name) for name in ("digits", "empty"))
    for rate in ("0.1", "0.2"):
        run = mlflow.create_run(digits, tags={"backend": "jax"})
        mlflow.log_param(run.info.run_id, "rate", rate)
    assert view.write(mlflow) == {"digits": digits}
    saved = json.loads(mlflow.get_experiment(digits).tags[view.TAG])
    assert (saved["name"], saved["createdAt"]) == ("Results", saved["updatedAt"])
    columns = ["attributes.`Duration`", "params.`rate`", "tags.`backend`"]
    assert json.loads(saved["state"])["selectedColumns"] == columns
    mlflow.log_metric(run.info.run_id, "test/accuracy", 0.9)
    view.write(mlflow)
    saved = json.loads(mlflow.get_experiment(digits).tags[view.TAG])
    assert "metrics.`test/accuracy`" in json.loads(saved["state"])["selectedColumns"]


def test_a_view_that_was_changed_in_the_pages_stays() -> None:
    mine = {"name": "Results", "createdAt": 1, "updatedAt": 1, "state": "{}"}
    assert view.is_to_be_written(None, "{}")
    assert view.is_to_be_written("no JSON", "{}")
    assert not view.is_to_be_written(json.dumps(mine), "{}")
    assert view.is_to_be_written(json.dumps(mine), '{"selectedColumns": []}')
    assert not view.is_to_be_written(json.dumps({**mine, "updatedAt": 2}), '{"selectedColumns": []}')


def test_the_addresses_are_those_of_the_latest_experiments() -> None:
    pages, *tables = ui.addresses(5000, {f"experiment-{number}": str(number) for number in range(9)})
    assert pages.startswith("http://127.0.0.1:5000/#/experiments?workflowType=machine_learning ")
    assert [line.split()[0] for line in tables] == [f"experiment-{number}" for number in range(5)]
    assert tables[2].endswith("/#/experiments/2/runs?workflowType=machine_learning&viewStateShareKey=kpipe")
    assert len(ui.addresses(5000, {})) == 1
