"""Two devices learn what one does, step by step, on every backend: virtual ones of the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def curves(backend: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[float]]]:
    command = [sys.executable, str(Path(__file__).with_name("one_and_two.py")), backend]
    folder = tmp_path_factory.mktemp("curves")
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True, timeout=600)
    found: dict[str, list[list[float]]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_loss_of_every_step_is_that_of_one_device(curves: dict[str, list[list[float]]]) -> None:
    for name, (one, two) in curves.items():
        if name == "stopped":
            continue
        assert len(one) == len(two) >= 20, name
        assert one[0] > min(one), name
        apart = np.abs(np.array(one) - np.array(two))
        assert apart.max() < 1e-4, f"{name}: {apart.max()} at {apart.argmax()} of {len(apart)}"


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(
    backend: str, curves: dict[str, list[list[float]]]
) -> None:
    straight, stopped = curves["stopped"]
    assert len(straight) > 40
    # TensorFlow keeps the running means of metrics in parts, one a replica: from a checkpoint they come as one
    assert stopped == (pytest.approx(straight, rel=1e-6, abs=0) if backend == "tensorflow" else straight)
