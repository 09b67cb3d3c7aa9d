"""Noisy sums of a few sine waves, and how they go on."""

from __future__ import annotations

import numpy as np


def draw(
    count: int, context: int, horizon: int, waves: int, noise: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """What is seen (count, context, 1) and what follows (count, horizon, 1), float32.

    Each is a sum of ``waves`` sines of its own amplitudes (0.3 to 1), periods (6 to 60 steps, evenly in their
    logarithm) and phases, with normal noise of the deviation ``noise`` on every step.
    """
    shape = (count, 1, waves)
    amplitudes = generator.uniform(0.3, 1.0, shape)
    periods = np.exp(generator.uniform(np.log(6.0), np.log(60.0), shape))
    phases = generator.uniform(0.0, 2 * np.pi, shape)
    steps = np.arange(context + horizon)[None, :, None]
    clean = (amplitudes * np.sin(2 * np.pi * steps / periods + phases)).sum(axis=-1)
    series = (clean + noise * generator.standard_normal(clean.shape)).astype("float32")[..., None]
    return series[:, :context], series[:, context:]
