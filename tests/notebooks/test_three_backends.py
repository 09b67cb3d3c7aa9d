"""Notebook 8."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
def test_the_three_run_the_same_course(
    outputs: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # where bench keeps what it measured
    given = outputs("8_three_backends", "--steps 10", "--steps 5 --backends jax,torch")
    assert given.pictures == 2
    assert re.search(r"^result +parity", given.text, re.MULTILINE), given.text
    first = re.findall(r"^(?:tensorflow|jax|torch) +first losses +([\d.]+)", given.text, re.MULTILINE)
    assert len(first) == 3
    assert max(map(float, first)) - min(map(float, first)) < 1e-5
    assert "pipeline: the same" in given.text
    assert re.search(r"so far on torch; from step \d+ on jax", given.text), given.text
    ends = re.findall(r"^fit  epoch 30/30 .*val_loss ([\d.]+)", given.text, re.MULTILINE)
    assert len(ends) == 4, given.text
    assert max(map(float, ends)) - min(map(float, ends)) < 1e-3
    accuracies = re.findall(r"^test +accuracy ([\d.]+)", given.text, re.MULTILINE)
    assert len(accuracies) == 4
    assert all(float(accuracy) > 0.93 for accuracy in accuracies)
    assert re.search(r"^fastest (?:jax|torch), ", given.text, re.MULTILINE), given.text
    assert "\x1b" not in given.text
