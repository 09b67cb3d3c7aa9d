"""Notebook 4."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
def test_gates_remember_and_two_directions_see_what_follows(outputs: Callable[..., Any]) -> None:
    given = outputs("4_recurrent")
    assert given.pictures == 1
    arriving = dict(re.findall(r"^(\w+) +of a number .* ago (-?[\d.]+) arrives", given.text, re.MULTILINE))
    assert float(arriving["lstm"]) > 0.7, given.text
    assert float(arriving["gru"]) > 0.7, given.text
    assert float(arriving["simple"]) < float(arriving["gru"]) - 0.1, given.text
    right = dict(re.findall(r"^(one|both) directions?: ([\d.]+)", given.text, re.MULTILINE))
    assert float(right["both"]) > 0.98, given.text
    assert float(right["one"]) < 0.95, given.text
    assert "the light shines       article noun verb" in given.text.partition("both directions")[2]
