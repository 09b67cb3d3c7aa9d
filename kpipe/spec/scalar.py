"""Scalars of YAML's 1.2 core schema: what a word without quotes means."""

from __future__ import annotations

import re

Scalar = None | bool | int | float | str

NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
INT = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")
FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)

LONGEST_NUMBER = 400
"""Digits; a longer one is left as text, so that nobody waits for its conversion."""


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar.

    ``true`` and ``false`` alone are booleans: ``no``, ``on`` and dates are strings. ``1e-3`` is a number.

    >>> resolve("1e-3"), resolve("no"), resolve("0x1F"), resolve("~")
    (0.001, 'no', 31, None)
    """
    if NULL.match(text):
        return None
    if BOOL.match(text):
        return text[0] in "tT"
    if len(text) > LONGEST_NUMBER:
        return text
    if INT.match(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if FLOAT.match(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
