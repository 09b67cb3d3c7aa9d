"""Train here, go on there: a checkpoint of one backend goes on on another, on the same curve."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.backend import BACKENDS, installed
from kpipe.training.loop.checkpoint import read

FIRST = 13
"""Steps on the first backend: into the middle of the second epoch."""
TRAIN = """\
train: {{type: fit, epochs: 7, steps_per_epoch: 9, optimizer: {optimizer}}}
checkpoint: {{every_steps: 13, keep: 100}}
"""
SGD = TRAIN.format(optimizer="{SGD: {learning_rate: 0.05, momentum: 0.9}}")
ADAM = TRAIN.format(optimizer="{AdamW: {learning_rate: 0.003}}")
DIGITS = "data: {type: sklearn, dataset: digits, batch_size: 16}\n"
DATES = "data: {type: procedural, dataset: dates, examples: 250, batch_size: 16}\n"
AUTOENCODER = f"{DIGITS}model: {{type: stacked_autoencoder, units: [32, 8], output: reconstruction}}\n"
RNN = "data: {type: procedural, dataset: adding_problem, length: 12, examples: 300, batch_size: 16}\n"
PIPELINES = {
    "autoencoder_sgd": f"name: a\n{AUTOENCODER}{SGD}",
    "autoencoder_adam": f"name: b\n{AUTOENCODER}{ADAM}",
    "rnn_sgd": f"name: c\n{RNN}model: {{type: rnn, cell: gru, units: [8], dropout: 0.2}}\n{SGD}",
    "rnn_adam": f"name: c\n{RNN}model: {{type: rnn, cell: gru, units: [8]}}\n{ADAM}",
    "transformer_adam": (
        f"name: d\n{DATES}model: {{type: transformer, layers: 1, width: 16, num_heads: 2, feed_forward: 16}}\n{ADAM}"
    ),
    "cnn_sgd": f"name: e\n{DIGITS}model: {{type: cnn, filters: [4]}}\n{SGD}",
}
ROUND = [("tensorflow", "jax"), ("jax", "torch"), ("torch", "tensorflow")]
PAIRS = {name: list(permutations(BACKENDS, 2)) if name == "autoencoder_adam" else ROUND for name in PIPELINES}
"""Every ordered pair with one of them; each backend once as the first and once as the second with the others."""
STEPS = {name: 5 if "cnn" in name else 50 for name in PIPELINES}
"""After which the curves are compared: those of CNNs part on every two engines, however they were begun."""


def losses(means: dict[str, float]) -> np.ndarray:
    """The loss of each step, from the mean over the epoch so far."""
    values, before, number = [], 0.0, 0
    for name, mean in means.items():
        step = int(name.rpartition(":")[2])
        before, number = (0.0, 0) if step == 1 else (before, number)
        values.append((mean * step - before * number) / (step - number))
        before, number = mean, step
    return np.array(values)


def saved_at_first(folder: Path) -> Path:
    """The checkpoint of step FIRST; some are at the ends of epochs, too."""
    (found,) = (path for path in folder.glob("*.npz") if read(path).record["steps"] == FIRST)
    return found


@pytest.mark.slow
def test_the_curve_goes_on_elsewhere_as_if_nothing_had_happened(forks_on: Callable[..., Any], tmp_path: Path) -> None:
    if set(installed()) != set(BACKENDS):
        pytest.skip("needs all three backends")
    forks = {backend: forks_on(backend, PIPELINES) for backend in BACKENDS}
    for name, pairs in PAIRS.items():
        curves = {}
        for backend in BACKENDS:
            ended, means = forks[backend].train(name, backend)
            assert (ended, len(means)) == (0, 63)
            curves[backend] = means
        for here, there in pairs:
            folder = tmp_path / name / f"{here}-{there}"
            folder.mkdir(parents=True)
            shutil.copy(saved_at_first(tmp_path / name / here), folder)
            ended, means = forks[there].train(name, folder.name)
            assert ended == 0
            assert list(means) == list(curves[here])[FIRST:], "the very next step of the same epoch"
            begun = dict(list(curves[here].items())[FIRST - 1 : FIRST])
            difference = np.abs(losses(begun | means) - losses(begun | dict(list(curves[here].items())[FIRST:])))
            print(f"{name}  {here} -> {there}: {difference[1 : STEPS[name] + 1].max():.1e}")
            assert difference[1 : STEPS[name] + 1].max() <= 1e-5, (name, here, there)
