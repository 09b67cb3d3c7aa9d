"""Chance: what random layers draw while the network is trained, as code: the same on every backend."""

from __future__ import annotations

import re

RANDOM = '''
def int32(number):
    return ops.convert_to_tensor(number, "int32")


def shifted(x, places):
    """To the right, filled with zeros."""
    return ops.bitwise_and(ops.right_shift(x, int32(places)), int32(2 ** (32 - places) - 1))


def mix(x):
    """Each bit that comes out depends on all that go in; int32 wraps alike on every backend."""
    x = ops.bitwise_xor(x, shifted(x, 16)) * int32(0x7FEB352D)
    x = ops.bitwise_xor(x, shifted(x, 15)) * int32(0x846CA68B - 2**32)
    return ops.bitwise_xor(x, shifted(x, 16))


def words(shape, state):
    """32 random bits a number, as int32; ``state`` is a seed, and how often it was drawn from."""
    size, weyl = 1, int32(0x9E3779B9 - 2**32)
    for side in shape:
        size = size * side
    first = mix(mix(ops.cast(state[0], "int32")) + ops.cast(state[1], "int32") * weyl)
    return ops.reshape(mix(mix(ops.arange(size, dtype="int32") + first) + mix(first + weyl)), shape)
'''

DROPOUT = '''
class Dropout(layers.Layer):
    """Dropout whose draws depend on its seed and on how often it has drawn, and not on the backend."""

    def __init__(self, rate, seed):
        super().__init__()
        self.supports_masking = True
        self.rate, self.generator = rate, keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        kept = words(ops.shape(x), self.generator.next()) >= int32(round(self.rate * 2**32) - 2**31)
        return ops.where(kept, x * (1 / (1 - self.rate)), ops.zeros_like(x))
'''

SPATIAL = '''
class ChannelDropout(layers.Layer):
    """Drops channels; its draws depend on its seed and on how often it has drawn, and not on the backend."""

    def __init__(self, rate, seed):
        super().__init__()
        self.rate, self.generator = rate, keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        drawn = words((ops.shape(x)[0], 1, 1, x.shape[-1]), self.generator.next())
        return ops.where(drawn >= int32(round(self.rate * 2**32) - 2**31), x * (1 / (1 - self.rate)), ops.zeros_like(x))
'''

MASKING = '''
class Masking(layers.Layer):
    """Sets a share of the numbers to 0 in training, to be given back by the autoencoder."""

    def __init__(self, rate, seed):
        super().__init__()
        self.rate, self.generator = rate, keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        drawn = ops.cast(shifted(words(ops.shape(x), self.generator.next()), 8), "float32") * 2.0**-24  # in [0, 1)
        return ops.where(drawn < self.rate, ops.zeros_like(x), x)
'''


def needed(code: str) -> list[str]:
    """What ``code`` with random layers must have before it."""
    drawing = [DROPOUT] * bool(re.search(r"\bDropout\(", code))
    return [RANDOM, *drawing] if drawing or "words(" in code else []
