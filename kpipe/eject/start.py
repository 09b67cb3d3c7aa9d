"""Start: the network's initial weights as code, the same numbers as ``kpipe.initial_weights`` draws."""

from __future__ import annotations

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

GLOROT = '''def glorot_uniform(shape, generator):
    *window, channels, units = shape
    fan = math.prod(window) * (channels + units) / 2
    limit = math.sqrt(3 * (1 / fan))
    return 2 * limit * generator.random(shape) - limit


def begin(model):
    """The same numbers on every backend, each kernel's keyed by its name; all else begins as zeros or ones."""
    for variable in model.trainable_variables:
        if variable.name.endswith("kernel"):
            generator = np.random.Generator(np.random.Philox(key=hashed("initial weights", variable.path, 0)))
            draw = {draw}
            variable.assign(draw(tuple(variable.shape), generator))


begin(model)
'''


def write(model: keras.Model) -> Section:
    """Gives the network its first weights."""
    recurrent = any(weight.name == "recurrent_kernel" for weight in model.trainable_variables)
    draw = 'orthogonal if variable.name == "recurrent_kernel" else glorot_uniform' if recurrent else "glorot_uniform"
    code = ORTHOGONAL * recurrent + GLOROT.replace("{draw}", draw)
    if not recurrent:
        code = code.replace(f"            draw = {draw}\n", "").replace("assign(draw(", f"assign({draw}(")
    return Section(code, ("import math",))
