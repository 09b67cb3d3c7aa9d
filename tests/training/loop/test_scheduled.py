"""A schedule's peak is a number that the compiled program is given, not a part of it."""

from __future__ import annotations

import random
from typing import Any

import pytest


def test_another_peak_is_the_same_program(trial: Any, backend: str) -> None:
    if backend != "jax":
        pytest.skip("only JAX keeps compiled programs")
    import jax

    if not jax.config.jax_compilation_cache_dir:
        pytest.skip("JAX keeps no compiled programs here")
    seen: list[str] = []
    jax.monitoring.register_event_listener(lambda event, **_: seen.append(event))

    def compiled(peak: float) -> int:
        seen.clear()
        jax.clear_caches()
        written = {"epochs": 2, "optimizer": {"AdamW": {"learning_rate": peak}}, "schedule": {"type": "cosine"}}
        trial.fit(written, folder=str(peak))
        assert "/jax/compilation_cache/compile_requests_use_cache" in seen
        return seen.count("/jax/compilation_cache/cache_misses")

    compiled(0.01)
    assert compiled(random.uniform(0.001, 0.02)) == 0


def test_the_peak_is_part_of_the_optimizers_state(trial: Any, backend: str) -> None:
    import keras
    import numpy as np

    written = {"epochs": 2, "optimizer": {"SGD": {"learning_rate": 0.5}}, "schedule": {"type": "linear"}}
    model, trained = trial.fit(written)
    peaks = [variable for variable in model.optimizer.variables if variable.name == "peak"]
    assert [float(np.asarray(keras.ops.convert_to_numpy(peak))) for peak in peaks] == [0.5]
    assert trained.history[0].learning_rate == pytest.approx(0.5 * (1 - 4 / 8))
    assert trained.history[1].learning_rate == pytest.approx(0.0, abs=1e-7)
