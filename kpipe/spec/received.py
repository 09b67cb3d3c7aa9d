"""What somebody wrote, in words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from kpipe.spec.mistake import printable


def received(value: Any, kind: bool = True) -> str:
    """A value as it stands in YAML, and what it is: ``"3" (a string)``, ``1.7 (a number)``, ``nothing``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number(value) + (" (a number)" if kind else "")
    if isinstance(value, str):
        return printable(json.dumps(value, ensure_ascii=False)) + (" (a string)" if kind else "")
    if isinstance(value, Mapping):
        return "a mapping" if value else "{} (an empty mapping)"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "[] (an empty list)"
    return f"a Python {type(value).__name__}"


def number(value: float) -> str:
    """``0.5``, ``1000``, ``.inf``: without a tail of zeros or a hundred digits."""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else f"{str(value)[:12]}..."
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return repr(int(value)) if value == int(value) and abs(value) < 1e6 else f"{value:g}"


def as_number(text: str) -> str:
    """How to write the number that a text holds, as a hint; empty when it holds none.

    >>> as_number("64"), as_number("1_000"), as_number("0,5")
    ('write 64, without the quotes', 'write 1000, without separators', 'write 0.5, with a point')
    """
    if is_number(text) and "_" not in text:
        return f"write {text.strip()}, without the quotes"
    bare = text.replace("_", "") if "," not in text else re.sub(r",(?=\d{3}(,|\.|$))", "", text)
    if is_number(bare):
        return f"write {bare}, without separators"
    pointed = text.replace(",", ".")
    return f"write {pointed}, with a point" if is_number(pointed) else ""


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def as_boolean(value: Any) -> str:
    """How to write the boolean that a word or a digit stands for, as a hint; empty when it stands for none."""
    word = str(value).lower()
    if word in ("yes", "on", "y", "true", "1"):
        return "write true"
    return "write false" if word in ("no", "off", "n", "false", "0") else ""
