"""The command: what is compared, and what happens when a backend cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kpipe import backend
from kpipe.errors import MissingExtra, RunFailed, WrongInput
from kpipe.parity import story
from kpipe.parity.compare import compare
from kpipe.parity.measurement import Measurement, Part
from kpipe.parity.tolerances import Tolerances
from kpipe.pipeline import Pipeline

SMALL = """\
name: small
data: {type: sklearn, dataset: iris, batch_size: 16}
model: {type: mlp, units: [4], dropout: 0.5}
train: {type: fit, optimizer: {SGD: {learning_rate: 0.1}}}
evaluate: {metrics: [accuracy, loss], plots: []}
"""


def kpipe(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", *words]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600
    )


def test_all_installed_are_compared_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "installed", lambda: ("tensorflow", "jax", "torch"))
    assert story.chosen([]) == ("tensorflow", "jax", "torch")
    assert story.chosen([], "torch") == ("torch", "tensorflow", "jax")
    assert story.chosen(["torch", "jax", "torch"]) == ("torch", "jax")


def test_what_cannot_be_compared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "installed", lambda: ("tensorflow", "jax"))
    with pytest.raises(MissingExtra, match="the torch backend is not installed"):
        story.chosen(["torch", "jax"])
    with pytest.raises(WrongInput, match="at least two backends; here: jax"):
        story.chosen(["jax"])
    monkeypatch.setattr(backend, "installed", lambda: ("tensorflow", "jax", "torch"))
    with pytest.raises(WrongInput, match="--start-from tensorflow: not among the backends"):
        story.chosen(["jax", "torch"], "tensorflow")
    monkeypatch.setattr(backend, "installed", lambda: ("tensorflow",))
    with pytest.raises(WrongInput, match="here: tensorflow"):
        story.chosen([])


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo boom >&2; exit 3", "the tensorflow process ended with exit code 3\nboom"),
        ("kill -9 $$", "the tensorflow process was killed by signal 9"),
        ("read line; kill -9 $$", "the tensorflow process was killed by signal 9"),
    ],
)
def test_a_process_that_dies_is_one_error(
    script: str, said: str, pipelines: dict[str, Pipeline], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(RunFailed) as failed:
        story.parity({"one": pipelines["cnn-SGD"]}, ["tensorflow", "jax"], 1, Tolerances())
    assert str(failed.value) == said


def test_wrong_use_is_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    for words, said in (
        (("--tolerance", "los=1"), "did you mean `loss`?"),
        (("--backend", "jax"), "at least two backends"),
        (("--steps", "0"), "--steps"),
        (("--set", "model.unit=[3]"), "did you mean `units`?"),
    ):
        done = kpipe("parity", "small.yaml", *words, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr


@pytest.mark.skipif(len(backend.installed()) < 2, reason="one backend alone is installed")
def test_the_command_compares_and_keeps_what_it_found(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    first, second = backend.installed()[-2:]
    done = kpipe("parity", "small.yaml", "--backend", first, "--backend", second, "--steps", "3", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "result     parity\n" in done.stdout
    assert "random     switched off (--random leaves them on): dropout1" in done.stdout
    assert {path.name for path in (tmp_path / "mlruns" / "parity").iterdir()} == {"small.json", "small.png"}


@pytest.mark.parametrize(("loss", "code"), [(0.5, 0), (0.6, 1)])
def test_the_exit_code_tells_whether_they_agree(
    loss: float, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from kpipe.cli import app

    parts = [Part("fit", {}, {}, {}, {}, (one,), ("a",), ()) for one in (0.5, loss)]
    both = [Measurement(name, "", 1.0, (part,)) for name, part in zip(("tensorflow", "jax"), parts, strict=True)]
    found = {"small": compare("small", both, Tolerances(), 1, False)}
    monkeypatch.setattr(story, "parity", lambda *given: found)
    monkeypatch.setattr(backend, "installed", lambda: ("tensorflow", "jax"))
    (tmp_path / "small.yaml").write_text(SMALL)
    words = ["parity", str(tmp_path / "small.yaml"), "--json", "--output", str(tmp_path / "kept")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code
    assert json.loads(done.stdout) == json.loads((tmp_path / "kept" / "small.json").read_text())
    assert json.loads(done.stdout)["agrees"] is (code == 0)
