"""Chance: what random layers draw while the network is trained, as code: the same on every backend."""

from __future__ import annotations

DROPOUT = '''
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


class Dropout(layers.Layer):
    """Dropout whose draws depend on its seed and on how often it has drawn, and not on the backend."""

    def __init__(self, rate, seed):
        super().__init__()
        self.rate, self.generator = rate, keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        state, size = self.generator.next(), 1
        for side in ops.shape(x):
            size = size * side
        weyl = int32(0x9E3779B9 - 2**32)
        first = mix(mix(ops.cast(state[0], "int32")) + ops.cast(state[1], "int32") * weyl)
        drawn = mix(mix(ops.arange(size, dtype="int32") + first) + mix(first + weyl))  # from -2^31 on, each as likely
        kept = ops.reshape(drawn, ops.shape(x)) >= int32(round(self.rate * 2**32) - 2**31)
        return ops.where(kept, x * (1 / (1 - self.rate)), ops.zeros_like(x))
'''
