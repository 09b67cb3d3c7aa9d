"""Damage: what an autoencoder's input suffers while it is trained, and its decoder with the encoder's kernels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kpipe.eject.network.chance import MASKING
from kpipe.eject.words import call, literal

GAUSSIAN = '''
class Noise(layers.Layer):
    """Adds normal numbers in training, to be taken off again by the autoencoder."""

    def __init__(self, deviation, seed):
        super().__init__()
        self.deviation, self.generator = deviation, keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        drawn = words((2, *ops.shape(x)), self.generator.next())
        drawn = ops.cast(shifted(drawn, 8), "float32") * 2.0**-24  # in [0, 1); Box and Muller make normal ones of two
        normal = ops.sqrt(-2.0 * ops.log(1.0 - drawn[0])) * ops.cos(2.0 * math.pi * drawn[1])
        return x + self.deviation * normal
'''

SALT_AND_PEPPER = '''
class SaltAndPepper(layers.Layer):
    """Sets a share of the numbers to the lowest or the highest in training, to be given back by the autoencoder."""

    def __init__(self, rate, low, high, seed):
        super().__init__()
        self.rate, self.low, self.high = rate, low, high
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        drawn = ops.cast(shifted(words(ops.shape(x), self.generator.next()), 8), "float32") * 2.0**-24  # in [0, 1)
        x = ops.where(drawn < self.rate, ops.full_like(x, self.high), x)
        return ops.where(drawn < self.rate / 2, ops.full_like(x, self.low), x)
'''

CODES: Mapping[str, str] = {"gaussian": GAUSSIAN, "masking": MASKING, "salt_and_pepper": SALT_AND_PEPPER}
"""By the kind of noise."""

NAMES: Mapping[str, str] = {"gaussian": "Noise", "masking": "Masking", "salt_and_pepper": "SaltAndPepper"}

TIED = '''
class TiedDense(layers.Layer):
    """Goes back the way that a dense layer with the kernel W came: x W^T + b."""

    def __init__(self, dense, units, name):
        super().__init__(name=name)
        self.units = units
        self.kernel = lambda: dense.kernel  # the layer itself would count as a part of this one

    def build(self, _):
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, x):
        return ops.matmul(x, ops.transpose(self.kernel())) + self.bias
'''

SPARSITY = '''
class Sparsity(layers.Layer):
    """Adds the mean absolute input, times a penalty, to the loss."""

    def __init__(self, penalty, name):
        super().__init__(name=name)
        self.penalty = penalty

    def call(self, x):
        self.add_loss(self.penalty * ops.mean(ops.abs(x)))
        return x
'''


def arguments(layer: Any) -> list[str]:
    """Of a layer that does damage."""
    between = [repr(layer.low), repr(layer.high)] if layer.kind == "salt_and_pepper" else []
    return [repr(layer.amount), *between, f'seed_of("layer", 0, {literal(layer.path or layer.name)}, 0)']


def dense_of(tied: Any) -> str:
    """The name of the layer whose kernel another has, transposed."""
    return str(tied.kernel.path.rpartition("/")[0])


def tied_name(dense: str) -> str:
    """The variable that holds it."""
    return re.sub(r"\W", "_", dense)


def arguments_of_tied(layer: Any) -> list[str]:
    return [tied_name(dense_of(layer)), repr(layer.units), f"name={literal(layer.name)}"]


def of_levels(levels: Sequence[Any], seed: str) -> str:
    """The line that damages what each of the ``levels`` of a stack takes, by its ``number`` from 1; empty where none
    does."""
    found = [one for level in levels for one in level.autoencoder.layers if type(one).__name__ == "Corruption"]
    if not found:
        return ""
    between = []
    if found[0].kind == "salt_and_pepper":
        ends = [f"{one.low!r}, {one.high!r}" for one in found]
        between = [ends[0] if len(set(ends)) == 1 else f"*(({ends[0]}) if number == 1 else ({ends[1]}))"]
    return call(f"x = {NAMES[found[0].kind]}", [repr(found[0].amount), *between, seed], "(x)", indent=4) + "\n"
