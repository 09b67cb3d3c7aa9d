"""Initial weights: the network's initial weights as code, the same numbers as ``kpipe.initial_weights`` draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kpipe.eject.section import Section

if TYPE_CHECKING:
    import keras

ORTHOGONAL = '''
def inverse_of_r(drawn):
    """The inverse of R in drawn = Q R, by Cholesky's factors."""
    return np.linalg.inv(np.linalg.cholesky(drawn.T @ drawn)).T


def orthogonal(shape, generator):
    """Orthogonal rows, or columns where these are fewer, all such matrices as likely."""
    drawn = generator.standard_normal((max(shape), min(shape)))
    if max(shape) < 2 * min(shape):
        drawn = drawn @ inverse_of_r(drawn)
    q = drawn.astype("float32") @ inverse_of_r(drawn).astype("float32")
    return q.T if shape[0] < shape[1] else q


'''

GLOROT = """def glorot_uniform(shape, generator):
    *window, channels, units = shape
    fan = math.prod(window) * (channels + units) / 2
    limit = math.sqrt(3 * (1 / fan))
    return 2 * limit * generator.random(shape) - limit
"""

BEGIN = '''

def begin(model):
    """The same numbers on every backend, each kernel's keyed by its name; all else begins as zeros or ones."""
    for variable in model.trainable_variables:
        if variable.name.endswith("kernel"):
            generator = np.random.Generator(np.random.Philox(key=hashed("initial weights", variable.path, 0)))
            draw = {draw}
            variable.assign(draw(tuple(variable.shape), generator))


begin(model)
'''


SPREAD = """

def {name}(shape, generator):
    return {drawn}
"""

BY_NAME = """
DRAWS = {{{draws}}}


def begin(model):
    \"\"\"The same numbers on every backend, each variable's keyed by its path; all else begins as zeros or ones.\"\"\"
    for variable in model.trainable_variables:
        if variable.name in DRAWS:
            generator = np.random.Generator(np.random.Philox(key=hashed("initial weights", variable.path, 0)))
            variable.assign(DRAWS[variable.name](tuple(variable.shape), generator))


begin(model)
"""

UNIFORM = "0.1 * generator.random(shape) - 0.05"

OTHERS: Mapping[str, tuple[str, str]] = {
    "embeddings": ("uniform", UNIFORM),
    "table": ("of_tokens", "shape[1] ** -0.5 * generator.standard_normal(shape)"),
    "vector": ("of_a_step", "0.02 * generator.standard_normal(shape)"),
    "vectors": ("of_positions", "0.1 * generator.standard_normal(shape)"),
}
"""Variables that are no kernels, by name: what draws them, and how."""


def write(model: keras.Model) -> Section:
    """Gives the network its first weights."""
    names = {weight.name for weight in model.trainable_variables}
    if others := sorted(names & set(OTHERS)):
        return Section(by_name(sorted(name for name in names if name.endswith("kernel")), others), ("import math",))
    recurrent = "recurrent_kernel" in names
    draw = 'orthogonal if variable.name == "recurrent_kernel" else glorot_uniform' if recurrent else "glorot_uniform"
    code = ORTHOGONAL * recurrent + GLOROT + BEGIN.replace("{draw}", draw)
    if not recurrent:
        code = code.replace(f"            draw = {draw}\n", "").replace("assign(draw(", f"assign({draw}(")
    return Section(code, ("import math",))


def by_name(kernels: Sequence[str], others: Sequence[str]) -> str:
    """The same where other variables begin at random too."""
    draws = {name: "orthogonal" if name == "recurrent_kernel" else "glorot_uniform" for name in kernels}
    draws |= {name: OTHERS[name][0] for name in others}
    spread = [SPREAD.format(name=OTHERS[name][0], drawn=OTHERS[name][1]) for name in others]
    code = ORTHOGONAL * ("recurrent_kernel" in kernels) + GLOROT.rstrip("\n") + "\n" + "".join(spread)
    written = ", ".join(f'"{name}": {draw}' for name, draw in draws.items())
    return code.rstrip("\n") + "\n\n" + BY_NAME.format(draws=written)
