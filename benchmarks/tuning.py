"""Trials per minute of ``kpipe tune`` with one worker and with two, against plain KerasTuner in one process.

    python benchmarks/tuning.py [--backend jax] [--trials 8] [--epochs 30] [--rounds 1]

The same trials are done three times: by KerasTuner's ``RandomSearch.search()`` with a HyperModel and Keras's ``fit``,
as an expert would write it, on all cores; by ``kpipe tune --workers 1`` on all cores; by ``--workers 2``, each with
half of them. The network is that of pipelines/cnn_gap.yaml; learning rate and dropout are drawn by chance, the same
draws in all three. Every search begins without compiled programs kept from another.

The rate is counted from when each worker has ended its first trial, so that imports and the first compilation are
apart; the seconds of the whole process, beside it, hold everything: MLflow, pictures and report of kpipe too.
Aim on two idle cores: 2 workers at least 1.6 times the rate of the other two.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpipe.backend import BACKENDS, derive
from kpipe.pipeline import Pipeline, axes, build, load_splits, with_values
from kpipe.spec.check import checked
from kpipe.spec.document import document_of, read

ROOT = Path(__file__).resolve().parents[1]
SPACE = {
    "train.optimizer.AdamW.learning_rate": {"min": 3e-4, "max": 3e-2, "sampling": "log"},
    "model.dropout": {"min": 0.0, "max": 0.5},
}
KINDS = ("KerasTuner", "1 worker", "2 workers")


@dataclass(frozen=True)
class Searched:
    """A search, carried out."""

    ended: list[float]
    """seconds since the process began, of each trial"""
    seconds: float
    """of the whole process"""
    values: list[dict[str, float]]
    scores: list[float]

    def rate(self, workers: int) -> float:
        """Trials a minute, from when each worker has ended its first."""
        ended = sorted(self.ended)
        return 60 * (len(ended) - workers) / (ended[-1] - ended[workers - 1])


def pipeline_of(trials: int, epochs: int) -> Pipeline:
    search = {"type": "random", "objective": "val_accuracy", "max_trials": trials, "space": SPACE}
    written = read(ROOT / "pipelines/cnn_gap.yaml", [f"train.epochs={epochs}"]).root.plain
    return checked(Pipeline, document_of({**written, "tune": search}))


def by_keras_tuner(pipeline: Pipeline, folder: Path) -> None:
    """The search without kpipe, in this process; prints when each trial ended, with its values and score."""
    import keras
    import keras_tuner
    import numpy as np

    from kpipe.tuning.oracle import parameters

    splits = load_splits(pipeline)
    train, validation = (split.take(np.arange(len(split))) for split in (splits.train, splits.validation))
    batch_size, epochs = pipeline.data.batch_size, dict(pipeline.train[0])["epochs"]

    class Network(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> keras.Model:
            values = {path: hp.get(path) for path in SPACE}
            model = build(with_values(pipeline, values), splits.signature)
            steps = epochs * -(-len(train["image"]) // batch_size)
            warmup = steps // 20
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, steps - warmup, warmup_target=hp.get("train.optimizer.AdamW.learning_rate"), warmup_steps=warmup
            )
            model.compile(
                keras.optimizers.AdamW(rate, weight_decay=1e-4),
                keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                metrics=["accuracy"],
            )
            return model

        def fit(self, hp: Any, model: keras.Model, *_: Any, callbacks: Any = None, **__: Any) -> Any:  # noqa: ARG002
            return model.fit(
                train["image"], train["target"], batch_size=batch_size, epochs=epochs, verbose=0, callbacks=callbacks,
                validation_data=(validation["image"], validation["target"]),
            )  # fmt: skip

    class Tuner(keras_tuner.RandomSearch):  # type: ignore[misc]
        def _configure_tensorboard_dir(self, *_: Any, **__: Any) -> None:
            """TensorBoard is not installed, and on TensorFlow the search would fail without it."""

        def on_trial_end(self, trial: Any) -> None:
            super().on_trial_end(trial)
            ended.append(time.time())

    ended: list[float] = []
    assert pipeline.tune is not None
    tuner = Tuner(
        Network(), "val_accuracy", max_trials=pipeline.tune.max_trials, seed=derive(pipeline.seed, "tune"),
        hyperparameters=parameters(axes(pipeline)), tune_new_entries=False, overwrite=True, directory=folder,
    )  # fmt: skip
    tuner.search(verbose=0)
    done = [tuner.oracle.trials[name] for name in tuner.oracle.end_order]
    found = [{path: trial.hyperparameters.get(path) for path in SPACE} for trial in done]
    print("\n" + json.dumps({"ended": ended, "values": found, "scores": [trial.score for trial in done]}))


def searched(kind: str, pipeline: Pipeline, backend: str) -> Searched:
    """One search, in a new process and an empty folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "search.yaml").write_text(json.dumps(pipeline.model_dump(mode="json", exclude_unset=True)))
        environment = {**os.environ, "KERAS_BACKEND": backend, "XDG_CACHE_HOME": str(folder / "cache")}
        command = [sys.executable, "-c", "from kpipe.cli import main; main()", "tune", "search.yaml"]
        command += ["--workers", kind.partition(" ")[0]]
        if kind == "KerasTuner":
            command = [sys.executable, str(Path(__file__).resolve()), "--search", "search.yaml"]
        began = time.time()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        seconds = time.time() - began
        if done.returncode:
            sys.exit(f"{kind} failed:\n{done.stdout}\n{done.stderr}")
        said = json.loads(done.stdout.splitlines()[-1]) if kind == "KerasTuner" else told_by_trials(folder)
        return Searched([end - began for end in said["ended"]], seconds, said["values"], said["scores"])


def told_by_trials(folder: Path) -> dict[str, list[Any]]:
    """What ``kpipe tune`` wrote down: a trial's file is written last when it ends."""
    files = sorted(folder.glob("mlruns/runs/*/trials/*/trial.json"))
    trials = [json.loads(file.read_text()) for file in files]
    return {
        "ended": [file.stat().st_mtime for file in files],
        "values": [trial["values"] for trial in trials],
        "scores": [trial["score"] for trial in trials],
    }


def is_same_work(one: Searched, other: Searched) -> bool:
    """Whether both tried the same values, in whatever order."""
    rows = [sorted(tuple(f"{values[path]:.9g}" for path in SPACE) for values in each.values) for each in (one, other)]
    return rows[0] == rows[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--backend", default="jax", choices=BACKENDS)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--search", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.search:
        by_keras_tuner(checked(Pipeline, read(arguments.search)), Path.cwd())
        return
    pipeline = pipeline_of(arguments.trials, arguments.epochs)
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    print(f"{arguments.backend}, {arguments.trials} trials of {arguments.epochs} epochs, {os.cpu_count()} cores")
    for _ in range(arguments.rounds):
        found: dict[str, Searched] = {}
        for kind in KINDS:
            busy = os.getloadavg()[0]
            found[kind] = one = searched(kind, pipeline, arguments.backend)
            if not is_same_work(one, found["KerasTuner"]):
                sys.exit(f"{kind} did other trials:\n{one.values}\n{found['KerasTuner'].values}")
            rates[kind].append(one.rate(2 if kind == "2 workers" else 1))
            print(
                f"{kind:<11} {rates[kind][-1]:6.2f} trials/min   first trial after {min(one.ended):5.1f} s   "
                f"whole process {one.seconds:6.1f} s   mean val_accuracy {statistics.mean(one.scores):.4f}   "
                f"load before {busy:.1f}",
                flush=True,
            )
    plain, one_worker, two_workers = (statistics.median(rates[kind]) for kind in KINDS)
    print(
        f"rates: 2 workers {two_workers / plain:.2f} x KerasTuner, {two_workers / one_worker:.2f} x 1 worker; "
        f"1 worker {one_worker / plain:.2f} x KerasTuner"
    )


if __name__ == "__main__":
    main()
