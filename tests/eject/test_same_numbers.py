"""An ejected script gives the run's numbers, on each backend, in a process that has no kpipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kpipe.eject.story import eject
from kpipe.pipeline import Pipeline, build, examine, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.stages import train

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("without_kpipe.py")
SCRIPTS = {
    "cnn_gap": (
        ["train.epochs=2", "model.filters=[8, 16, 32]", "data.batch_size=128"],
        1e-3,
    ),  # batch normalization makes more of the last digits in each step
    "lenet5": (["train.epochs=2", "model.filters=[4, 8, 16]", "data.batch_size=128"], 1e-5),
    "mlp_iris": ([], 1e-5),
    "mlp_diabetes": (["train.epochs=4"], 1e-5),
    "rnn_digits": (["train.epochs=1", "model.units=[8, 8]", "model.dropout=0.2"], 1e-5),
    "rnn_sine": (["train.epochs=2", "data.examples=640", "data.context=12", "model.units=[8]"], 1e-5),
    "rnn_adding": (["train.epochs=2", "data.examples=640", "data.length=10", "model.bidirectional=true"], 1e-5),
    "stacked_autoencoder": (["train.0.epochs=2", "train.1.epochs=2", "model.units=[64, 32, 16]"], 1e-5),
}
"""What is overridden, and how far numbers may be apart, in parts of the number or of 1."""


def of_script(pipeline: Pipeline, file: Path, folder: Path) -> dict[str, dict[str, object]]:
    """The numbers of the ejected script, run where kpipe cannot be imported."""
    script, result = folder / f"{file.stem}.py", folder / "result.json"
    script.write_text(eject(pipeline, file, script.name), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-W", "ignore", str(RUNNER), str(script), str(result)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, object]] = json.loads(result.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_gives_the_numbers_of_the_run(backend: str, name: str, tmp_path: Path) -> None:
    overrides, tolerance = SCRIPTS[name]
    file = ROOT / "pipelines" / f"{name}.yaml"
    pipeline = checked(Pipeline, read(file, overrides))
    scripted = of_script(pipeline, file, tmp_path)
    splits = load_splits(pipeline)
    model = build(pipeline, splits.signature)
    history, _ = train(pipeline, model, splits, tmp_path / "checkpoints", [])
    metrics = pipeline.evaluate.measure(examine(pipeline, model, splits.test, splits.signature, "test"))
    last = [epoch for epoch in history if epoch.stage == history[-1].stage]
    curves = {key: [epoch.logs[key] for epoch in last] for key in last[0].logs}
    assert set(scripted["history"]) == set(curves)
    assert set(scripted["metrics"]) == set(metrics)
    for key, values in curves.items():
        assert scripted["history"][key] == pytest.approx(values, rel=tolerance, abs=tolerance), key
    assert scripted["metrics"] == pytest.approx(metrics, rel=tolerance, abs=tolerance)
