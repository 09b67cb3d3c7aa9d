"""Notebook 2."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
def test_the_arithmetic_holds_and_both_heads_learn(outputs: Callable[..., Any]) -> None:
    given = outputs("2_convolutions")
    assert given.pictures == 3
    sides = re.findall(r"= (\d)  counted (\d)$", given.text, re.MULTILINE)
    assert len(sides) == 5
    assert all(by_formula == counted for by_formula, counted in sides)
    heads = re.findall(r"^(\w+) +([\d,]+) of .* accuracy ([\d.]+)$", given.text, re.MULTILINE)
    assert [(name, weights) for name, weights, _ in heads] == [("global_average_pooling", "330"), ("flatten", "5,130")]
    assert all(float(accuracy) > 0.92 for *_, accuracy in heads), heads
    assert "WARNING" not in given.text
