"""Every family from YAML to answers, on each backend: run, report, MLflow, evaluate, predict from raw input."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from kpipe import finding, runs
from kpipe.errors import WrongInput
from kpipe.pipeline import Pipeline
from kpipe.predict import evaluate_run, predict_inputs
from kpipe.run import Finished, run
from kpipe.spec.check import checked
from kpipe.spec.document import document_of

Write = Callable[[Path, Path], None]


def head(source: str, target: str, lines: int) -> Write:
    """Copies the first lines of a real data set."""

    def write(shared: Path, folder: Path) -> None:
        with (shared / source).open(encoding="utf-8") as given, (folder / target).open("w", encoding="utf-8") as kept:
            kept.writelines(islice(given, lines))

    return write


def nothing(shared: Path, folder: Path) -> None:
    """The data comes with kpipe."""


CASES: dict[str, tuple[Write, dict[str, Any], set[str], set[str]]] = {
    "tags": (
        head("ud_english_ewt/en_ewt-ud-dev.conllu", "some.conllu", 4_000),
        {
            "data": {"type": "conll", "path": "some.conllu"},
            "model": {"type": "rnn", "units": [8], "embedding": 8, "bidirectional": True},
        },
        {"accuracy", "loss", "macro_f1"},
        {"confusion_matrix", "learning_curves"},
    ),
    "next_token": (
        head("tiny_shakespeare/input.txt", "some.txt", 300),
        {
            "data": {"type": "text", "path": "some.txt", "context": 16},
            "model": {"type": "transformer", "layers": 1, "width": 16, "num_heads": 2, "feed_forward": 16},
            "decode": {"type": "sampling", "temperature": 0.8, "max_length": 12},
        },
        {"accuracy", "loss", "perplexity", "bits_per_token"},
        {"learning_curves", "attention_heads"},
    ),
    "reviews": (
        head("sst2/dev.tsv", "some.tsv", 300),
        {
            "data": {
                "type": "text_table", "path": "some.tsv", "columns": ["sentence", "label"], "text": "sentence",
                "target": "label", "quoted": False,
            },
            "model": {"type": "rnn", "units": [8], "embedding": 8, "pooling": "attention"},
        },
        {"accuracy", "loss"},
        {"confusion_matrix", "attention_over_words"},
    ),
    "text": (
        nothing,
        {
            "data": {"type": "procedural", "dataset": "reverse", "examples": 300, "max_letters": 5},
            "model": {"type": "encoder_decoder", "units": 8, "embedding": 8},
            "decode": {"type": "beam", "width": 2},
        },
        {"exact_match", "token_accuracy", "character_error_rate", "chrf"},
        {"alignment", "learning_curves"},
    ),
    "forecast": (
        head("ett/ETTh1.csv", "some.csv", 400),
        {
            "data": {
                "type": "time_series", "path": "some.csv", "time": "date", "target": ["OT", "HUFL"], "context": 12,
                "horizon": 3,
            },
            "model": {"type": "rnn", "units": [8]},
        },
        {"mae", "rmse", "mase"},
        {"forecast", "forecast_error"},
    ),
    "reconstruction": (
        nothing,
        {
            "data": {"type": "sklearn", "dataset": "digits"},
            "model": {
                "type": "stacked_autoencoder", "output": "reconstruction", "units": [16, 4], "tied": True,
                "corruption": {"type": "masking", "rate": 0.2},
            },
            "train": [{"type": "pretrain_layerwise", "epochs": 1}, {"type": "fit", "epochs": 1}],
        },
        {"reconstruction_error", "mae", "rmse"},
        {"reconstructions", "denoised", "code", "learning_curves"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def finished(
    request: pytest.FixtureRequest, backend: str, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A folder in which the pipeline of a task was run."""
    write, written, _, _ = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    write(shared_data, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        text = yaml.safe_dump({"name": request.param, "train": {"type": "fit", "epochs": 1}, **written})
        pipeline = checked(Pipeline, document_of(yaml.safe_load(text), "p.yaml"))
        yield request.param, run(pipeline, text, backend)


def test_a_run_leaves_metrics_pictures_report_and_its_record(finished: tuple[str, Finished], backend: str) -> None:
    import mlflow

    task, done = finished
    _, _, metrics, pictures = CASES[task]
    assert metrics <= set(done.metrics)
    assert all(np.isfinite(value) for value in done.metrics.values())
    assert pictures <= {path.stem for path in (done.run.artifacts / "pictures").iterdir()}
    assert "<html" in (done.run.artifacts / "report.html").read_text(encoding="utf-8")
    assert done.unsent == ""
    client = mlflow.MlflowClient(f"sqlite:///{runs.ROOT.absolute()}/mlflow.db")
    found = client.get_run(finding.find(runs.ROOT, "last").record.mlflow_run_id)
    assert found.info.status == "FINISHED"
    assert {f"test/{name}" for name in metrics} <= set(found.data.metrics)
    assert found.data.tags["backend"] == backend


def test_evaluate_says_what_the_run_said(finished: tuple[str, Finished]) -> None:
    _, done = finished
    assert evaluate_run("last") == pytest.approx(dict(done.metrics), rel=1e-4, abs=1e-5)


def test_predict_answers_from_raw_input(finished: tuple[str, Finished], tmp_path: Path) -> None:
    task, _ = finished
    if task == "forecast":
        answers = predict_inputs("last", [Path("some.csv")]).rows()
        assert list(answers[0]) == ["input", "OT +1", "HUFL +1", "OT +2", "HUFL +2", "OT +3", "HUFL +3"]
    elif task == "reconstruction":
        np.save(tmp_path / "digits.npy", np.zeros((3, 8, 8, 1), "uint8"))
        answers = predict_inputs("last", [tmp_path / "digits.npy"]).rows()
        assert len(answers) == 3
        assert all(answer["reconstruction_error"] >= 0 for answer in answers)
    else:
        (tmp_path / "texts.txt").write_text("abcd\n\nthe cat\n", encoding="utf-8")
        answers = predict_inputs("last", [tmp_path / "texts.txt"], ["dcba"]).rows()
        assert [answer["input"] for answer in answers] == [
            f"{tmp_path}/texts.txt:0", f"{tmp_path}/texts.txt:2", "dcba",
        ]  # fmt: skip
        word = {"tags": "tags", "reviews": "label"}.get(task, "text")
        assert all(isinstance(answer[word], str) for answer in answers)
        if task == "tags":
            assert [len(answer["tags"].split()) for answer in answers] == [1, 2, 1]
    json.dumps(answers)


@pytest.mark.parametrize("finished", ["forecast"], indirect=True)
def test_a_file_of_a_time_series_is_for_predicting(finished: tuple[str, Finished]) -> None:
    with pytest.raises(WrongInput, match="measured on a split") as raised:
        evaluate_run("last", data=Path("some.csv"))
    assert "--split test" in raised.value.hint


@pytest.mark.parametrize("finished", ["reviews", "text", "tags"], indirect=True)
def test_mlflow_loads_the_model_and_it_answers_alike(
    finished: tuple[str, Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow
    import pandas as pd

    client = mlflow.MlflowClient(f"sqlite:///{runs.ROOT.absolute()}/mlflow.db")
    found = client.get_run(finding.find(runs.ROOT, "last").record.mlflow_run_id)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{runs.ROOT.absolute()}/mlflow.db")
    (model,) = found.outputs.model_outputs
    loaded = mlflow.pyfunc.load_model(f"models:/{model.model_id}")
    given = pd.DataFrame({"text": ["abcd", "the cat"]})
    rows = predict_inputs("last", texts=list(given["text"])).rows()
    answered = loaded.predict(given)
    for name in answered.columns:
        if answered[name].dtype.kind == "f":
            assert answered[name].tolist() == pytest.approx([row[name] for row in rows], abs=1e-6)
        else:
            assert answered[name].tolist() == [row[name] for row in rows]
