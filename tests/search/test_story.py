"""Searches from a pipeline to the winner, with real workers on real digits, on every backend."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import psutil
import pytest

from kpipe import finding, runs
from kpipe.pipeline import Pipeline
from kpipe.search.job import Job
from kpipe.search.story import Found
from kpipe.search.trial import Trial
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.tracking.journal import read as journal_of

Search = Callable[..., Found]
Small = Callable[..., Pipeline]


def curves(run: runs.Run) -> dict[tuple[str, int], float]:
    """The learning curves of a run or trial, without what depends on the clock."""
    points = [event.data for event in journal_of(run.journal) if event.kind == "metrics"]
    return {
        (name, point["step"]): value
        for point in points
        for name, value in point["values"].items()
        if name.startswith(("train/", "val/"))
    }


def trial_of(found: Found, name: str) -> runs.Run:
    return finding.find(found.run.root, f"{found.run.name}/{name}")


def table(found: Found) -> pd.DataFrame:
    """Everything but times, in the order of the trials."""
    return found.frame.drop(columns="seconds").sort_values("trial").reset_index(drop=True)


@pytest.mark.parametrize("kind", ["random", "grid", "bayesian"])
def test_searches_find_a_winner_that_runs_again_with_the_same_numbers(
    backend: str, kind: str, search: Search, small: Small, place: Path
) -> None:
    settings: dict[str, object] = {"type": kind, "max_trials": {"bayesian": 5, "grid": 4}.get(kind, 3)}
    if kind == "grid":
        settings["space"] = {
            "model.dropout": {"choices": [0.1, 0.3]},
            "train.optimizer.AdamW.learning_rate": {"choices": [0.01, 0.05]},
        }
    if kind == "bayesian":
        settings["num_initial_points"] = 3
    found = search(small(**settings), workers=1)
    assert {trial.status for trial in found.trials} == {"done"}
    assert len(found.trials) == {"random": 3, "grid": 4, "bayesian": 5}[kind]
    best = best_of(found, backend)
    if kind == "random":
        again = kpipe_run_apart(found.run.folder / "best.yaml", place)
        assert curves(again) == whole_curves(found, best.name)
        assert curves(again)


def best_of(found: Found, backend: str) -> Trial:
    """The winner, whose pipeline is left to be run."""
    assert found.best is not None
    assert found.best.score == max(trial.score or 0.0 for trial in found.trials)
    winner = checked(Pipeline, read(found.run.folder / "best.yaml"))
    assert winner.backend == backend
    assert winner.tune is None
    return found.best


def whole_curves(found: Found, name: str | None) -> dict[tuple[str, int], float]:
    """Those of a trial, with those of the trials that it went on with."""
    trials = {trial.name: trial for trial in found.trials}
    whole: dict[tuple[str, int], float] = {}
    while name is not None:
        whole = curves(trial_of(found, name)) | whole
        name = trials[name].carries_on
    return whole


def kpipe_run_apart(file: Path, place: Path) -> runs.Run:
    """`kpipe run` in a process of its own, as one types it."""
    command = [
        sys.executable,
        "-c",
        "from kpipe.cli import main; main()",
        "run",
        str(file),
        "--set",
        "evaluate.plots=[]",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_THREADS")}
    subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
    return finding.find(place / "mlruns", "last")


class Sleep:
    """An onlooker that puts the worker of a trial to sleep for ever, and lets an hour of its trial go by."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.asleep = ""

    def seconds(self, job: Job) -> float:
        return job.clock() - job.began + (3600 if job.trial.name == self.asleep else 0)

    def on_restore(self, trials: Sequence[Trial], best: Trial | None) -> None:
        pass

    def on_begin(self, trial: Trial) -> None:
        if trial.values.get("train.optimizer.SGD.learning_rate") == self.rate:
            for child in psutil.Process().children():
                if "kpipe.search" in child.cmdline():
                    child.suspend()
            self.asleep = trial.name

    def on_epoch(self, trial: Trial, epoch: int, value: float | None) -> None:
        pass

    def on_end(self, trial: Trial, best: Trial | None) -> None:
        pass

    def on_wait(self) -> None:
        pass


def test_a_search_with_corners_that_break_ends_well(
    backend: str, search: Search, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feature map shrunk to nothing, a loss that is NaN, memory without end, and a worker that sleeps for ever."""
    cnn = {"type": "cnn", "filters": [4]}
    shrunk = {"type": "cnn", "filters": [4, 4, 4, 4, 4], "pooling": "max"}
    corners = {
        "model": {"choices": [cnn, shrunk, {"type": "rnn", "units": [30000]}]},
        "train.optimizer.SGD.learning_rate": {"choices": [0.05, 3e38, 0.06], "when": {"model": [cnn]}},
    }
    pipeline = small(
        {"model": cnn, "train.optimizer": {"SGD": {"learning_rate": 0.05}}},
        type="grid", space=corners, max_trials=None, trial_timeout_minutes=30, trial_memory_gb=2.5,
    )  # fmt: skip
    sleep = Sleep(0.06)
    monkeypatch.setattr(Job, "seconds", property(sleep.seconds))
    found = search(pipeline, onlookers=[sleep])
    told = {words_of(trial): (trial.status, trial.message) for trial in found.trials}
    assert {words: status for words, (status, _) in told.items()} == {
        "cnn 1 0.05": "done", "cnn 1 3e+38": "failed", "cnn 1 0.06": "failed", "cnn 5": "refused", "rnn 1": "failed",
    }  # fmt: skip
    assert "became" in told["cnn 1 3e+38"][1]
    assert told["cnn 1 0.06"][1] == "took longer than 30 minutes"
    assert "shrinks the height to nothing" in told["cnn 5"][1]
    assert "memory" in told["rnn 1"][1].lower() or "alloc" in told["rnn 1"][1].lower()
    assert found.best is not None
    assert words_of(found.best) == "cnn 1 0.05"


def words_of(trial: Trial) -> str:
    model = trial.values["model"]
    rate = trial.values.get("train.optimizer.SGD.learning_rate")
    layers = len(model.get("filters", model.get("units")))
    return f"{model['type']} {layers}" + (f" {rate:g}" if rate else "")


def test_a_warm_worker_gives_the_numbers_of_a_fresh_one(backend: str, search: Search, small: Small) -> None:
    """The third trial of one worker, and the same trial alone."""
    only = {"model.dropout": {"choices": [0.2, 0.4]}}
    together = search(
        small({"model.dropout": 0.2}, type="grid", space=only, objective="val_loss", executions_per_trial=2)
    )
    first, last = together.trials
    alone = search(small({"model.dropout": 0.4, "name": "alone"}, type="grid", space={"seed": {"choices": [0, 1]}}))
    assert curves(trial_of(alone, "00")) == {
        name: value for name, value in curves(trial_of(together, "01")).items() if "execution" not in name[0]
    }
    assert first.spread is not None
    assert len(set(first.scores)) == 2
    assert first.score == pytest.approx(sum(first.scores) / 2)
    assert last.metrics["loss"] == last.score
    assert together.best is not None
    assert together.best.score == min(trial.score or 0.0 for trial in together.trials)


def test_hyperband_carries_weights_and_optimizer_on(backend: str, search: Search, small: Small, place: Path) -> None:
    found = search(
        small({"train.optimizer.AdamW.use_ema": True}, type="hyperband", max_trials=None, max_epochs=4, factor=2)
    )
    carried = [trial for trial in found.trials if trial.carries_on]
    assert carried
    for trial in carried:
        before = next(one for one in found.trials if one.name == trial.carries_on)
        assert trial.curve[: before.epochs] == before.curve
        assert trial.epochs > before.epochs
        assert trial.values == before.values
    best_of(found, backend)
    last = next(trial for trial in carried if trial.epochs == 4)
    assert last.carries_on in {trial.name for trial in carried}, "it went on twice"
    again = kpipe_run_apart(trial_of(found, last.name).folder / "resolved.yaml", place)
    assert curves(again) == whole_curves(found, last.name)
    assert curves(again)
