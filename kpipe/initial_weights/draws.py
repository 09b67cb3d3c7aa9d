"""Draws: the formulas of Keras's random initializers, with NumPy's generator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kpipe.errors import WrongInput

CHUNK = 2**16
"""Numbers drawn at a time: what is drawn in double precision stays in the cache. Another value is another start."""

WIDTH = 2.0
"""Deviations at which a truncated normal distribution is cut, as Keras cuts it."""

SHRINKS = 0.87962566103423978
"""The deviation of a normal distribution cut so, as Keras writes it."""

Fill = Callable[[np.ndarray], None]
Draw = Callable[[Any, tuple[int, ...], np.random.Generator, np.dtype[Any]], np.ndarray]


def filled(shape: tuple[int, ...], dtype: np.dtype[Any], fill: Fill) -> np.ndarray:
    """An array filled a chunk at a time, each in double precision and then rounded."""
    values = np.empty(math.prod(shape), dtype)
    chunk = np.empty(min(CHUNK, values.size))
    for begin in range(0, values.size, CHUNK):
        part = chunk[: values.size - begin]
        fill(part)
        values[begin : begin + CHUNK] = part
    return values.reshape(shape)


def uniform(generator: np.random.Generator, low: float, high: float) -> Fill:
    def fill(part: np.ndarray) -> None:
        generator.random(out=part)
        np.multiply(part, high - low, out=part)
        np.add(part, low, out=part)

    return fill


def normal(generator: np.random.Generator, mean: float, deviation: float) -> Fill:
    def fill(part: np.ndarray) -> None:
        generator.standard_normal(out=part)
        np.multiply(part, deviation, out=part)
        np.add(part, mean, out=part)

    return fill


def truncated(generator: np.random.Generator, mean: float, deviation: float) -> Fill:
    """Normal numbers, those beyond two deviations drawn again."""

    def fill(part: np.ndarray) -> None:
        generator.standard_normal(out=part)
        beyond = np.flatnonzero(np.abs(part) > WIDTH)
        while beyond.size:
            part[beyond] = generator.standard_normal(beyond.size)
            beyond = beyond[np.abs(part[beyond]) > WIDTH]
        np.multiply(part, deviation, out=part)
        np.add(part, mean, out=part)

    return fill


def scaled(initializer: Any, shape: tuple[int, ...], generator: np.random.Generator) -> Fill:
    """Glorot's, He's and LeCun's: the variance is ``scale`` / fan, so that signals neither grow nor fade."""
    from keras.src.initializers.random_initializers import compute_fans

    fan_in, fan_out = compute_fans(shape, input_axes=initializer.input_axes, output_axes=initializer.output_axes)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[initializer.mode]
    variance = initializer.scale / max(1.0, fan)
    if initializer.distribution == "uniform":
        limit = math.sqrt(3 * variance)
        return uniform(generator, -limit, limit)
    if initializer.distribution == "untruncated_normal":
        return normal(generator, 0.0, math.sqrt(variance))
    return truncated(generator, 0.0, math.sqrt(variance) / SHRINKS)


def orthogonal(
    initializer: Any, shape: tuple[int, ...], generator: np.random.Generator, dtype: np.dtype[Any]
) -> np.ndarray:
    """Q of A = Q R with normal numbers A and R's diagonal positive, which makes every orthogonal Q as likely.

    R is the Cholesky factor of A'A: in the same digits what ``numpy.linalg.qr`` gives, in half of the time. A
    second round takes off the first one's rounding errors, which are large for some matrices that are nearly square.
    """
    from threadpoolctl import threadpool_limits

    if len(shape) < 2:
        raise WrongInput(f"Orthogonal initializes matrices, not a variable of shape {shape}", "use another initializer")
    rows, columns = math.prod(shape[:-1]), shape[-1]
    drawn = generator.standard_normal((max(rows, columns), min(rows, columns)))
    with threadpool_limits(1, "blas"):  # sums taken by more threads differ in the last bits
        if max(rows, columns) < 2 * min(rows, columns):
            drawn = drawn @ inverse_of_r(drawn)
        q = drawn.astype(dtype) @ inverse_of_r(drawn).astype(dtype)
    return np.asarray(initializer.gain * np.reshape(q.T if rows < columns else q, shape), dtype)


def inverse_of_r(drawn: np.ndarray) -> np.ndarray:
    return np.linalg.inv(np.linalg.cholesky(drawn.T @ drawn)).T


def spread(fill: Callable[[Any, tuple[int, ...], np.random.Generator], Fill]) -> Draw:
    """The drawing of numbers that know nothing of each other."""

    def draw(
        initializer: Any, shape: tuple[int, ...], generator: np.random.Generator, dtype: np.dtype[Any]
    ) -> np.ndarray:
        return filled(shape, dtype, fill(initializer, shape, generator))

    return draw


DRAWS: dict[str, Draw] = {
    "VarianceScaling": spread(scaled),
    "RandomUniform": spread(lambda found, _, generator: uniform(generator, float(found.minval), float(found.maxval))),
    "RandomNormal": spread(lambda found, _, generator: normal(generator, float(found.mean), float(found.stddev))),
    "TruncatedNormal": spread(lambda found, _, generator: truncated(generator, float(found.mean), float(found.stddev))),
    "Orthogonal": orthogonal,
}
"""By the names of Keras's initializers; Glorot's, He's and LeCun's are kinds of the first."""


def drawn_by_itself(
    initializer: Any, shape: tuple[int, ...], generator: np.random.Generator, dtype: np.dtype[Any]
) -> np.ndarray:
    return np.asarray(initializer.draw(shape, generator), dtype)
