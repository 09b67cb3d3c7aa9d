"""Whole numbers and their English words: 4071 -> four thousand seventy-one."""

from __future__ import annotations

import random

SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ROOM = 1_000_000
"""From 0 to 999,999."""


def draw(count: int, generator: random.Random) -> list[tuple[str, str]]:
    """``count`` different numbers and their words, as many short ones as there are."""
    numbers: list[int] = []
    for digits in range(1, 7):
        numbers_of = range(10 ** (digits - 1) if digits > 1 else 0, 10**digits)
        wanted = -(-(count - len(numbers)) // (7 - digits))
        numbers += generator.sample(numbers_of, min(wanted, len(numbers_of)))
    return [(str(number), words(number)) for number in numbers]


def words(number: int) -> str:
    """The words of a number from 0 to 999,999."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        return TENS[tens] + (f"-{SMALL[rest]}" if rest else "")
    unit, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    above, rest = divmod(number, unit)
    return f"{words(above)} {name}" + (f" {words(rest)}" if rest else "")
