"""What ``kpipe export`` prints, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kpipe.cli import app
from kpipe.export.story import Export
from kpipe.export.task import Row
from kpipe.signature import Feature, Signature, Target

SIGNATURE = Signature(
    inputs=(Feature(name="vector", kind="vector", shape=(4,), dtype="float32"),),
    target=Target(task="classes", names=("a", "b")),
)
MODEL = Row(
    format="model", backend="jax", bytes=400_000, one=0.5, batch=2.0, examples=64, prepared=62,
    scores={"accuracy": 0.99},
)  # fmt: skip
WHOLE = Row(format="onnx", backend="tensorflow", file="model.onnx", bytes=380_000, one=0.1, batch=1.0, difference=3e-7)
EIGHT = Row(
    format="onnx", backend="tensorflow", file="model.int8.onnx", int8=True, bytes=110_000, one=0.1, batch=1.0,
    difference=6e-3, scores={"accuracy": 0.985},
)  # fmt: skip
FAILED = Row(format="litert", backend="tensorflow", error="ValueError: no such operation")


def printed(rows: tuple[Row, ...], words: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    done = Export("opal-ox-1", Path.cwd() / "export", SIGNATURE, MODEL, rows)
    monkeypatch.setattr("kpipe.export.story.export", lambda *given: done)
    result = CliRunner().invoke(app, ["export", "last", "--format", "onnx", *words], env={"COLUMNS": "80"})
    return result.exit_code, result.stdout


def test_the_table_fits_a_terminal_and_says_what_eight_bits_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = printed((WHOLE, EIGHT), ["--int8"], monkeypatch)
    assert code == 0
    lines = text.splitlines()
    assert lines[1].split() == ["opal-ox-1", "jax", "0.400", "MB", "0.50", "ms", "2.00", "ms"]
    assert lines[3].split()[-1] == "6.0e-03"
    assert "…" not in text
    assert "model.int8.onnx: accuracy on the test split 0.9850, of the model 0.9900" in text
    assert "makes 62 of 64 inputs" in text
    assert "softmax" in text
    assert lines[-1].startswith("where       export   model.onnx, model.int8.onnx, preparation.json")


def test_what_failed_is_said_and_the_exit_code_is_1(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = printed((WHOLE, FAILED), [], monkeypatch)
    assert code == 1
    assert "failed      litert cannot hold this network, keras holds any: ValueError: no such operation" in text
    assert "model.onnx" in text


def test_json(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = printed((WHOLE,), ["--json"], monkeypatch)
    assert code == 0
    assert [row["format"] for row in json.loads(text)["rows"]] == ["model", "onnx"]
