"""The whole: `backend: fastest` measures every backend once, and what it found is kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kpipe import finding

SMALL = """\
name: small
backend: fastest
data: {type: sklearn, dataset: iris, batch_size: 32}
model: {type: mlp, units: [4]}
train: {type: fit, epochs: 2}
evaluate: {metrics: [accuracy], plots: []}
"""
BACKENDS = {"tensorflow", "jax", "torch"}


def kpipe(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", *words]
    done = {**os.environ, "COLUMNS": "80", **environment}
    return subprocess.run(command, cwd=cwd, env=done, capture_output=True, text=True, timeout=600)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.yaml").write_text(SMALL)
    return tmp_path


@pytest.mark.slow
def test_fastest_is_measured_once_and_kept(folder: Path, cache: Path) -> None:
    shown = kpipe("show", "p.yaml", cwd=folder)
    assert "fastest not measured yet" in shown.stdout, shown.stderr

    first = kpipe("run", "p.yaml", cwd=folder, COLUMNS="300")
    assert (first.returncode, first.stderr) == (0, "")
    assert re.findall(r"^timing  (\w+)$", first.stdout, re.MULTILINE) == ["tensorflow", "jax", "torch"]
    (picked,) = re.findall(
        r"^fastest (\w+), [\d.]+ s against \w+ [\d.]+ s, \w+ [\d.]+ s; measured now", first.stdout, re.M
    )
    run = finding.find(folder / "mlruns", "last")
    assert run.record.backend == picked
    assert run.record.fastest is not None
    assert run.record.fastest.startswith(f"{picked}, ")
    assert f"\nbackend: {picked}\n" in (run.folder / "resolved.yaml").read_text()
    assert "\nbackend: fastest\n" in (run.folder / "pipeline.yaml").read_text()
    assert '"backend.fastest": "' in run.journal.read_text()
    assert [path.name for path in (folder / "mlruns" / "runs").iterdir()] == [run.name]

    as_json = kpipe("bench", "p.yaml", "--json", cwd=folder)
    found = json.loads(as_json.stdout)
    assert (as_json.stderr, found["fastest"]) == ("", picked)
    rows = {row["backend"]: row for row in found["backends"]}
    assert rows.keys() == BACKENDS
    for row in rows.values():
        assert not row["new"]
        low, high = row["steps_per_second_quartiles"]
        assert 0 < low <= row["steps_per_second"] <= high
        assert row["whole_run_seconds"] >= row["start_seconds"] + row["first_step_seconds"] - 1e-6
        assert row["memory_bytes"] > 100_000_000
    assert min(rows.values(), key=lambda row: row["whole_run_seconds"])["backend"] == picked

    make_fast("torch", cache)
    second = kpipe("run", "p.yaml", cwd=folder, COLUMNS="300")
    assert "timing" not in second.stdout
    assert re.search(r"^fastest torch, .* measured \d{4}-\d\d-\d\d, kept in", second.stdout, re.MULTILINE)
    assert finding.find(folder / "mlruns", "last").record.backend == "torch"
    table = kpipe("bench", "p.yaml", cwd=folder).stdout
    lines = table.splitlines()
    assert max(map(len, lines[:-1])) <= 80
    assert " ".join(lines[2].split()) == "backend start first step steps/s (quartiles) validate memory whole run"
    assert lines[3].startswith("torch")
    assert "fastest torch" in kpipe("show", "p.yaml", cwd=folder).stdout


def make_fast(backend: str, cache: Path) -> None:
    """As if this backend had taken no time."""
    (file,) = [path for path in cache.iterdir() if json.loads(path.read_text())["row"]["backend"] == backend]
    kept = json.loads(file.read_text())
    kept["row"] |= {"start": 0.01, "data": 0.01}
    for stage in kept["row"]["stages"]:
        stage |= dict.fromkeys(("first_step", "compiling", "step", "quick", "slow", "validation", "around"), 0.001)
    file.write_text(json.dumps(kept))


def test_a_backend_that_breaks_is_a_row(folder: Path) -> None:
    (folder / "broken" / "torch").mkdir(parents=True)
    (folder / "broken" / "torch" / "__init__.py").write_text("raise ImportError('no kernel for this processor')")
    path = os.pathsep.join([str(folder / "broken"), os.environ.get("PYTHONPATH", "")])
    done = kpipe("bench", "p.yaml", "--backends", "torch,jax", "--steps", "3", cwd=folder, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "timing  torch\ntiming  jax\n"
    assert "torch       failed: ImportError: no kernel for this processor\n" in done.stdout
    assert "fastest jax, " in done.stdout
    alone = kpipe("bench", "p.yaml", "--backends", "torch", "--fresh", cwd=folder, PYTHONPATH=path)
    assert alone.returncode == 1
    assert "torch: ImportError: no kernel for this processor" in alone.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--backends", "jax,theano"], "--backends: no backend `theano`"),
        (["--set", "data.batchsize=3"], "did you mean `batch_size`?"),
        (["--steps", "1"], "greater than or equal to 2"),
    ],
)
def test_wrong_input_is_said_before_anything_is_timed(words: list[str], message: str, folder: Path) -> None:
    done = kpipe("bench", "p.yaml", *words, cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert "timing" not in done.stderr


def test_help_fits_a_screen_and_has_an_example(folder: Path) -> None:
    done = kpipe("bench", "--help", cwd=folder)
    assert "Example: kpipe bench" in done.stdout
    assert len(done.stdout.strip().splitlines()) <= 24
