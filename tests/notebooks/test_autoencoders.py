"""Notebook 3."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
def test_pretraining_helps_logistic_units(outputs: Callable[..., Any]) -> None:
    given = outputs("3_autoencoders", "range(5)", "range(2)")
    assert given.pictures == 3
    means = dict(re.findall(r"^(\w+  [\w ,]+?)  [\d. ]+  ([\d.]+) ±", given.text, re.MULTILINE))
    assert float(means["sigmoid  pretrained"]) > float(means["sigmoid  from scratch"]) + 0.05, given.text
    assert float(means["tanh  pretrained"]) > 0.8, given.text
