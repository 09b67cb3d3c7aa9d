"""Notebook 6."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
def test_the_rhyme_goes_on_and_letters_are_turned_round(outputs: Callable[..., Any]) -> None:
    given = outputs("6_transformer")
    assert given.pictures == 3
    perplexity = re.search(r"^perplexity ([\d.]+)", given.text, re.MULTILINE)
    exact = re.search(r"^([\d.]+) of the test split", given.text, re.MULTILINE)
    assert perplexity, given.text
    assert exact, given.text
    assert float(perplexity[1]) < 3, given.text
    assert "this is the dog ... that worried the cat that killed the rat" in given.text
    assert float(exact[1]) > 0.6, given.text
