"""Memory does not grow: not over the epochs of a run, nor over the trials that a worker carries out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GROWTH = 1.05
EPOCHS = """\
import json, sys
import psutil
from kpipe.pipeline import Pipeline
from kpipe.run import run
from kpipe.spec.check import checked
from kpipe.spec.document import document_of

class Look:
    def __init__(self):
        self.resident = []
    def on_stage(self, *_): pass
    def on_resume(self, *_): pass
    def on_step(self, *_): pass
    def on_epoch(self, _):
        self.resident.append(psutil.Process().memory_info().rss)

look = Look()
run(checked(Pipeline, document_of(json.loads(sys.argv[1]))), option=sys.argv[2], watchers=[look])
print(json.dumps(look.resident))
"""
TRIALS = """\
import json, sys, threading
from pathlib import Path
import psutil
from kpipe.search.carry_out import Task, carry_out

resident = []
for number in range(8):
    pipeline = json.loads(sys.argv[1])
    pipeline["model"]["units"] = [4 + number, 8]
    folder = Path(str(number))
    folder.mkdir()
    told = []
    task = Task(name=str(number), folder=str(folder), pipeline=pipeline, backend=sys.argv[2])
    carry_out(task, told.append, threading.Event())
    assert told[-1]["event"] == "done", told
    resident.append(psutil.Process().memory_info().rss)
print(json.dumps(resident))
"""


def resident(script: str, pipeline: dict[str, object], backend: str, folder: Path) -> list[int]:
    """What a process of its own told of its memory, one number after the other."""
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    words = [sys.executable, "-c", script, json.dumps(pipeline), backend]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    told: list[int] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.slow
def test_memory_is_flat_over_epochs(backend: str, tmp_path: Path) -> None:
    pipeline = {
        "name": "soak",
        "data": {"type": "sklearn", "dataset": "digits", "batch_size": 256},
        "model": {"type": "cnn", "filters": [4], "dropout": 0.1},
        "train": {"type": "fit", "epochs": 200, "restore_best": True},
        "evaluate": {"metrics": ["accuracy"], "plots": []},
    }
    after = resident(EPOCHS, pipeline, backend, tmp_path)
    assert len(after) == 200
    assert max(after[9:]) <= GROWTH * after[9]


@pytest.mark.slow
def test_memory_is_flat_over_trials(backend: str, tmp_path: Path) -> None:
    pipeline = {
        "name": "trial",
        "data": {"type": "sklearn", "dataset": "iris", "batch_size": 30},
        "model": {"type": "mlp", "units": [4], "dropout": 0.1},
        "train": [{"type": "fit", "epochs": 2}],
        "evaluate": {"metrics": ["accuracy"], "plots": []},
    }
    after = resident(TRIALS, pipeline, backend, tmp_path)
    assert max(after[2:]) <= GROWTH * after[2]
