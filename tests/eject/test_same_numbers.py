"""An ejected script gives the run's numbers, on each backend, in a process that has no kpipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kpipe.eject.story import eject
from kpipe.pipeline import Pipeline, build, examine, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import document_of, read
from kpipe.stages import train

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("without_kpipe.py")
SCRIPTS = {
    "cnn_gap": [
        *("train.epochs=2", "model.filters=[8, [8, 8]]", "model.pooling=[max, none]", "model.residual=true"),
        "kernels=keras",  # PyTorch's own have other last digits
    ],
    "lenet5": ["train.epochs=1", "model.filters=[4, 8, 16]", "model.spatial_dropout=0.2"],
    "mlp_iris": ["train.epochs=5"],
    "mlp_diabetes": [  # first the end alone, by another loss
        "train=[{type: fit, epochs: 2, trainable: [standardized_output], loss: Huber, metrics: [MeanAbsoluteError]},"
        " {type: fit, epochs: 2, schedule: cosine, optimizer: {SGD: {learning_rate: 0.01}}}]",
        "model.dropout=0.2",
    ],
    "rnn_digits": [
        *("train.epochs=1", "model.units=[8, 8]", "model.dropout=0.2"),
        "evaluate.metrics=[{type: top_k_accuracy, k: 2}, top_k_accuracy, loss]",
    ],
    "rnn_sine": ["train.epochs=2", "data.examples=640", "data.context=12", "model.units=[8]"],
    "rnn_adding": [
        *("train.epochs=2", "data.examples=640", "data.length=10", "model.bidirectional=true"),
        *("model.units=[8]", "model.recurrent_dropout=0.2", "model.pooling=attention", "train.steps_per_epoch=9"),
    ],
    "transformer_vit_digits": [
        *("train.epochs=1", "model.layers=1", "model.width=8", "model.num_heads=2", "model.feed_forward=8"),
        *("model.pooling=class_token", "model.positions=learned", "model.activation=swiglu"),
        *("train.steps_per_epoch=45", "train.label_smoothing=0.1", "train.class_weight={'3': 2.0}"),
    ],
    "encoder_decoder_dates": [
        "data={type: procedural, dataset: reverse, max_letters: 3, examples: 200, batch_size: 20}",
        *("model.cell=lstm", "model.layers=2", "model.units=6", "model.dropout=0.2", "train.teacher_forcing=0.6"),
        *("train.epochs=2", "train.optimizer.Adam.learning_rate=0.1"),  # then it writes more than empty texts
    ],
    "encoder_decoder_numbers": [
        *("data.examples=60", "data.batch_size=6", "model.cell=gru", "model.units=8", "model.bidirectional=false"),
        *("train.epochs=2", "train.optimizer.Adam.learning_rate=0.1"),  # then it writes more than empty texts
    ],
    "stacked_autoencoder": ["train.0.epochs=2", "train.1.epochs=2", "model.units=[64, 32, 16]"],
    "deep_autoencoder": [  # damaged, from convolutions to a penalty
        *("train.0.epochs=1", "train.1.epochs=1", "model.units=[4]", "model.filters=[4]", "model.sparsity=0.1"),
        "model.corruption={type: salt_and_pepper}",
    ],
    "denoising_autoencoder": ["train.0.epochs=1", "train.1.epochs=2", "model.units=[8, 4]"],
    "autoencoder_convolutional": [
        *("train.epochs=2", "model.filters=[4, 4]", "model.units=[4]", "model.dropout=0.2"),
        *("model.corruption={type: gaussian}", "model.scaling=standardize"),
    ],
}
"""What is overridden: less to compute, and more of what can be written."""

FROM_FILES = (
    "npz_of_words",
    "table_of_birds",
    "table_of_several_values",
    "table_of_labels",
    "reviews",
    "reviews_attended",
    "sentences",
    "translations",
    "book",
    "book_of_words",
    "entities",
    "spellings",
    "captions",
    "weighed",
    "series",
)
"""Some of the pipelines of small files that conftest.py writes; of all, the data is compared in test_files.py."""

NAMES = (*SCRIPTS, *FROM_FILES)

TOLERANCES = {"cnn_gap": 1e-3}
"""In parts of the number, or of 1: batch normalization makes more of the last digits with each step."""


Documents = dict[str, dict[str, Any]]


def pipeline_of(name: str, from_files: Documents) -> Pipeline:
    if name in from_files:
        return checked(Pipeline, document_of(from_files[name]))
    return checked(Pipeline, read(ROOT / "pipelines" / f"{name}.yaml", SCRIPTS[name]))


@pytest.fixture(scope="module")
def scripted(backend: str, from_files: Documents, tmp_path_factory: pytest.TempPathFactory) -> Documents:
    """The numbers of all scripts, run in a process where kpipe cannot be imported."""
    folder = tmp_path_factory.mktemp("scripts")
    for name in NAMES:
        text = eject(pipeline_of(name, from_files), Path(f"{name}.yaml"), f"{name}.py")
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-W", "ignore", str(RUNNER), str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_script_gives_the_numbers_of_the_run(
    scripted: Documents, from_files: Documents, name: str, tmp_path: Path
) -> None:
    pipeline, tolerance = pipeline_of(name, from_files), TOLERANCES.get(name, 1e-5)
    splits = load_splits(pipeline)
    model = build(pipeline, splits.signature)
    history, _ = train(pipeline, model, splits, tmp_path / "checkpoints", [])
    metrics = pipeline.evaluate.measure(examine(pipeline, model, splits.test, splits.signature, "test"))
    last = [epoch for epoch in history if epoch.stage == history[-1].stage]
    curves = {key: [epoch.logs[key] for epoch in last] for key in last[0].logs}
    found = scripted[name]
    assert set(found["history"]) == set(curves)
    assert set(found["metrics"]) == set(metrics)
    for key, values in curves.items():
        assert found["history"][key] == pytest.approx(values, rel=tolerance, abs=tolerance), key
    assert found["metrics"] == pytest.approx(metrics, rel=tolerance, abs=tolerance)
    if splits.signature.target.task == "next_token":
        texts = pipeline.decode.texts(model, splits.test, splits.signature, pipeline.data.batch_size, pipeline.seed)
        assert found["written"] == texts[0] != ""
