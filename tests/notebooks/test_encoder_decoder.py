"""Notebook 5."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
def test_attention_is_needed_and_own_dates_are_written(outputs: Callable[..., Any]) -> None:
    given = outputs("5_encoder_decoder")
    assert given.pictures == 2
    exact = dict(re.findall(r"^([\w, ]+?) +([\d.]+) of the dates", given.text, re.MULTILINE))
    assert float(exact["attention, teacher forcing"]) > 0.7, given.text
    assert float(exact["attention, scheduled sampling"]) > 0.5, given.text
    assert float(exact["no attention, teacher forcing"]) < 0.3, given.text
    assert re.search(r"^3rd of May 2024 +2024-05-03 +2024-05-03", given.text, re.MULTILINE), given.text
