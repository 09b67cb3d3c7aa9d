"""kill -9 at random steps: what is resumed ends with the very weights and curves of the run that nobody disturbed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kpipe.training.loop.checkpoint import written

SAVED = "checkpoint: {every_steps: 4}\n"
DIGITS = "data: {type: sklearn, dataset: digits, batch_size: 32}\n"
DATES = "data: {type: procedural, dataset: dates, examples: 120, batch_size: 16}\n"
PIPELINES = {
    "image": f"""\
name: image
{DIGITS}model:
  {{type: cnn, filters: [4, 4], dropout: 0.3, augmentation: {{flip: horizontal}}}}
train:
  type: fit
  epochs: 5
  examples: 110
  optimizer: {{AdamW: {{learning_rate: 0.01, use_ema: true, ema_momentum: 0.9, global_clipnorm: 1.0}}}}
  schedule: {{type: cosine, warmup: 3}}
  early_stopping: {{monitor: val_accuracy, patience: 2}}
  class_weight: balanced
checkpoint: {{every_steps: 3, keep: 3}}
""",
    "stages": f"""\
name: stages
data: {{type: sklearn, dataset: iris, batch_size: 16}}
model: {{type: mlp, units: [8], dropout: 0.2}}
train:
  - type: fit
    epochs: 9
    examples: 60
    restore_best: false
    steps_per_execution: 3
    optimizer: {{SGD: {{learning_rate: 0.05, momentum: 0.9, gradient_accumulation_steps: 3}}}}
    early_stopping: {{patience: 2, min_delta: 0.2}}
  - type: fit
    epochs: 3
    steps_per_epoch: 5
    trainable: [target]
    optimizer: {{Adam: {{learning_rate: 0.01}}}}
{SAVED}""",
    "stack": f"""\
name: stack
{DIGITS}model: {{type: stacked_autoencoder, units: [16, 8], corruption: {{type: masking, rate: 0.2}}, dropout: 0.2}}
train:
  - {{type: pretrain_layerwise, epochs: 2, steps_per_epoch: 6, optimizer: {{Adam: {{learning_rate: 0.01}}}}}}
  - {{type: fit, objective: reconstruction, epochs: 2, examples: 100}}
  - {{type: fit, epochs: 2, examples: 100, schedule: {{type: linear}}}}
{SAVED}""",
    "writer": f"""\
name: writer
{DATES}model: {{type: encoder_decoder, cell: gru, embedding: 8, units: 8, dropout: 0.2}}
train:
  type: fit
  epochs: 3
  teacher_forcing: {{type: linear, end: 0.5}}
  optimizer: {{Adam: {{learning_rate: 0.01}}}}
{SAVED}""",
}
KILLS = {"image": 7, "stages": 8, "stack": 3, "writer": 2}
"""Twenty together, most of them where going on costs least."""


@pytest.mark.slow
def test_twenty_kills_leave_the_weights_and_curves_of_undisturbed_runs(
    backend: str, forks_on: Callable[..., Any], tmp_path: Path
) -> None:
    seed = int(os.environ.get("KPIPE_TEST_SEED", time.time_ns() % 100_000))
    print("seed of the kills:", seed)
    chance = random.Random(seed)
    forks = forks_on(backend, PIPELINES)
    kills = resumed = 0
    for pipeline, number in KILLS.items():
        ended, told = forks.train(pipeline, "straight")
        assert ended == 0
        steps = list(told)
        reached = -1
        for killed in range(number):
            if reached + 1 == len(steps):  # it went on to its end before it was killed: once more from the beginning
                shutil.rmtree(tmp_path / pipeline / "killed")
                reached = -1
            place = chance.randint(reached + 1, reached + max(1, (len(steps) - 1 - reached) // (number - killed)))
            delay = chance.choice([None, chance.uniform(0.0, 0.005)])
            print(f"{pipeline}: killed at {steps[place]}, {'at once' if delay is None else f'{delay:.4f} s later'}")
            ended, heard = forks.train(pipeline, "killed", steps[place], delay)
            assert ended == -signal.SIGKILL
            reached = steps.index(list(heard)[-1])
            assert reached >= place
            kills += 1
        saved = written(tmp_path / pipeline / "killed")  # none, where each kill came before the first was on the disk
        ended, heard = forks.train(pipeline, "killed")
        assert ended == 0
        assert len(heard) < len(steps) if saved else heard.keys() == told.keys(), "what was saved is not done again"
        resumed += bool(saved)
        straight, killed = forks.result(pipeline, "straight"), forks.result(pipeline, "killed")
        assert straight.keys() == killed.keys()
        for name in straight:
            assert straight[name].tobytes() == killed[name].tobytes(), (pipeline, name, seed)
    assert kills == 20
    assert resumed >= 2
