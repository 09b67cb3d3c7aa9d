"""Start: the network's initial weights as code, the same numbers as ``kpipe.initial_weights`` draws."""

from __future__ import annotations

from kpipe.eject.section import Section

GLOROT = """# The network begins with the same numbers on every backend: Glorot's, keyed by each kernel's name.
for variable in model.trainable_variables:
    if variable.name.endswith("kernel"):
        *window, channels, units = variable.shape
        fan = math.prod(window) * (channels + units) / 2
        limit = math.sqrt(3 * (1 / fan))
        generator = np.random.Generator(np.random.Philox(key=hashed("initial weights", variable.path, 0)))
        variable.assign(2 * limit * generator.random(tuple(variable.shape)) - limit)
"""


def write() -> Section:
    return Section(GLOROT, ("import math",))
