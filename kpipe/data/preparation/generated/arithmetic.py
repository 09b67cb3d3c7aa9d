"""Sums, differences and products of whole numbers: 23+58= -> 81."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

Operator = Literal["+", "-", "*"]

MEANING: Mapping[Operator, Callable[[int, int], int]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def room(operators: Sequence[Operator], digits: int) -> int:
    """How many different problems there are."""
    return int(len(operators) * 10 ** (2 * digits))


def draw(
    count: int, operators: Sequence[Operator], digits: int, generator: random.Random
) -> list[tuple[str, str]]:  # fmt: skip
    """``count`` different problems of numbers of up to ``digits`` digits, and their answers."""
    found = []
    for place in generator.sample(range(room(operators, digits)), count):
        numbers, which = divmod(place, len(operators))
        left, right = divmod(numbers, 10**digits)
        sign = operators[which]
        found.append((f"{left}{sign}{right}=", str(MEANING[sign](left, right))))
    return found
