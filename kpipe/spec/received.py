"""What somebody wrote, in words."""

from __future__ import annotations

import json
import math
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
        return str(value) if abs(value) < 10**18 else f"a number of {len(str(abs(value)))} digits"
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return repr(int(value)) if value == int(value) and abs(value) < 1e6 else f"{value:g}"
