"""Letters, and the same letters from the end: abcd -> dcba."""

from __future__ import annotations

import random
from string import ascii_lowercase

SHORTEST = 2


def room(longest: int) -> int:
    """How many different texts there are."""
    return int(sum(len(ascii_lowercase) ** length for length in range(SHORTEST, longest + 1)))


def draw(count: int, longest: int, generator: random.Random) -> list[tuple[str, str]]:
    """``count`` different texts of 2 to ``longest`` letters, every length alike as long as there are enough."""
    found: dict[str, None] = {}
    while len(found) < count:
        length = generator.randint(SHORTEST, longest)
        found["".join(generator.choices(ascii_lowercase, k=length))] = None
    return [(text, text[::-1]) for text in found]
