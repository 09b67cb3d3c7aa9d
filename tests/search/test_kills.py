"""kill -9 of a search and of its workers, at any moment: nothing is lost, nothing counts twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest

from kpipe import runs
from kpipe.backend import installed
from kpipe.pipeline import Pipeline, effective_yaml
from kpipe.tracking.journal import read as journal_of

KILLS = 10


def start(file: Path, place: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", "tune", str(file), "--workers", "2"]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    with (place / "said.txt").open("ab") as said:
        return subprocess.Popen(command, cwd=place, env=environment, stdout=said, stderr=said)


def workers_of(search: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        children = psutil.Process(search.pid).children()
        return [child for child in children if "kpipe.search" in child.cmdline()]
    except psutil.NoSuchProcess:
        return []


def end(file: Path, place: Path) -> None:
    """Lets the search go on to its end."""
    assert start(file, place).wait(timeout=300) == 0, (place / "said.txt").read_text(encoding="utf-8")


def table(place: Path) -> pd.DataFrame:
    (file,) = (place / "mlruns" / "runs").glob("*/artifacts/trials.csv")
    return pd.read_csv(file, dtype={"trial": str}).drop(columns="seconds").sort_values("trial").reset_index(drop=True)


@pytest.mark.slow
def test_ten_kills_leave_the_table_of_an_undisturbed_search(
    small: Callable[..., Pipeline], place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert "jax" in installed()
    file = place / "search.yaml"
    file.write_text(effective_yaml(small(max_trials=16, executions_per_trial=2)), encoding="utf-8")
    undisturbed = tmp_path_factory.mktemp("undisturbed")
    end(file, undisturbed)

    seed = int(os.environ.get("KPIPE_TEST_SEED", time.time_ns() % 100_000))
    print("seed of the kills:", seed)
    chance = random.Random(seed)
    killed = []
    search = start(file, place)
    for _ in range(KILLS):
        while not workers_of(search) and search.poll() is None:
            time.sleep(0.1)
        time.sleep(chance.uniform(0.0, 5.0))
        workers = workers_of(search)
        if search.poll() is not None:
            break
        if workers and chance.random() < 0.5:
            chance.choice(workers).send_signal(signal.SIGKILL)
            killed.append("worker")
        else:
            search.kill()
            search.wait()
            killed.append("search")
            search = start(file, place)
    print("killed:", killed)
    if search.wait(timeout=300) != 0:
        end(file, place)

    pd.testing.assert_frame_equal(table(place), table(undisturbed))
    (found,) = (one for one in runs.runs(place / "mlruns") if one.record.kind == "search")
    assert found.record.status == "FINISHED"
    oracle = json.loads((found.folder / "oracle" / "oracle.json").read_text(encoding="utf-8"))
    assert sorted(oracle["start_order"]) == sorted(set(oracle["end_order"])) == sorted(oracle["end_order"])
    assert oracle["ongoing_trials"] == {}
    for trial in found.trials:
        events = journal_of(trial.journal)
        curves = [event.data for event in events if event.kind == "metrics" and event.data["step"]]
        points = [(name, point["step"]) for point in curves for name in point["values"]]
        assert points
        assert len(points) == len(set(points))
        assert {event.data["status"] for event in events if event.kind == "end"} <= {"FINISHED", "KILLED"}
        assert trial.record.status == "FINISHED"
        assert not list(trial.folder.glob("checkpoints*/**/*.npz"))
