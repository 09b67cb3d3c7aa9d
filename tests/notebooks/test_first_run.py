"""Notebook 1."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
def test_a_pipeline_is_checked_shown_run_and_asked(outputs: Callable[..., Any]) -> None:
    given = outputs("1_first_run")
    assert given.pictures == 5
    assert "did you mean `batch_size`?" in given.text
    assert "3 mistakes in 1 file" in given.text
    assert re.search(r"^conv 3x3, 16, same .* = 8 +160\b", given.text, re.MULTILINE), given.text
    assert len(re.findall(r"^fit  epoch \d/6  ", given.text, re.MULTILINE)) == 6
    assert "\x1b" not in given.text
    accuracy = re.search(r"^test +accuracy ([\d.]+)", given.text, re.MULTILINE)
    assert accuracy, given.text
    assert float(accuracy[1]) > 0.93
    assert re.findall(r"^scan(\d)\.png +(\d) ", given.text, re.MULTILINE) == [("0", "0"), ("4", "4"), ("7", "7")]
    assert re.search(r"^mlruns/runs/[\w-]+/artifacts/report\.html$", given.text, re.MULTILINE)
