"""Random numbers that are functions of a seed and a place: bit for bit the same on every backend.

Words are ``mix(mix(place + a) + b)``, of 32 bits, where ``a`` and ``b`` are mixed from the seed; ``mix`` is a bijection
that flips each bit of its result with a probability near 1/2 when one bit of its input changes. It is written in int32,
which wraps alike everywhere: PyTorch has no uint32, JAX by default no int64.

Reference: C. Wellons, 2018, Prospecting for hash functions (the constants, found by search for the least bias).
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

WEYL = 0x9E3779B9 - 2**32
MULTIPLIERS = (0x7FEB352D, 0x846CA68B - 2**32)


def integer(number: int) -> Any:
    return ops.convert_to_tensor(number, "int32")


def shifted(x: Any, places: int) -> Any:
    """To the right, filled with zeros: the engines' own shift fills with the sign."""
    return ops.bitwise_and(ops.right_shift(x, integer(places)), integer(2 ** (32 - places) - 1))


def mix(x: Any) -> Any:
    x = ops.bitwise_xor(x, shifted(x, 16)) * integer(MULTIPLIERS[0])
    x = ops.bitwise_xor(x, shifted(x, 15)) * integer(MULTIPLIERS[1])
    return ops.bitwise_xor(x, shifted(x, 16))


def words(shape: Any, state: Any) -> Any:
    """int32 words of 32 random bits; ``state`` is that of a seed generator: its seed, and how often it drew."""
    seed, count = (ops.cast(state[place], "int32") for place in (0, 1))
    first = mix(mix(seed) + count * integer(WEYL))
    second = mix(first + integer(WEYL))
    number = 1
    for side in shape:
        number = number * side
    places = ops.arange(number, dtype="int32")
    return ops.reshape(mix(mix(places + first) + second), shape)


def uniform(shape: Any, state: Any) -> Any:
    """float32 in [0, 1), multiples of 2^-24."""
    return ops.cast(shifted(words(shape, state), 8), "float32") * 2.0**-24


def normal(shape: Any, state: Any) -> Any:
    """float32 of mean 0 and deviation 1; only the engines' logarithm and cosine differ in their last digit.

    Reference: G. Box and M. Muller, 1958, A note on the generation of random normal deviates.
    """
    drawn = uniform((2, *shape), state)
    radius = ops.sqrt(-2.0 * ops.log(1.0 - drawn[0]))  # 1 - drawn is exact, and never 0
    return radius * ops.cos(2.0 * math.pi * drawn[1])
