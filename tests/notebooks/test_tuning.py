"""Notebook 7."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
def test_the_searches_are_compared_and_the_winner_is_trained_again(outputs: Callable[..., Any]) -> None:
    given = outputs("7_tuning")
    assert given.pictures == 3
    won = re.search(r"the search: ([\d.]+)", given.text)
    again = re.search(r"^loss +([\d.]+)", given.text, re.MULTILINE)
    assert won, given.text
    assert again, given.text
    assert won[1] == again[1]
