"""A small real problem (digits, 320 of them) and small models whose weights begin the same on every backend."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.data.splits import ArraySplit
from kpipe.signature import Feature, Signature, Target
from kpipe.training.checkpointing import Checkpointing
from kpipe.training.fit import Fit
from kpipe.training.method import Epoch, Method, Stage, Trained

DIGITS = Signature(
    inputs=(Feature(name="image", kind="image", shape=(8, 8, 1), dtype="uint8"),),
    target=Target(name="digit", task="classes", names=tuple("0123456789")),
)


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return loaded.images[..., None].astype("uint8"), loaded.target.astype("int32")


def part(begin: int, end: int) -> ArraySplit:
    images, classes = digits()
    return ArraySplit({"image": images[begin:end], "digit": classes[begin:end]})


def small_model(output: str = "digit", units: int = 10, shape: tuple[int, ...] = (8, 8, 1)) -> Any:
    """With everything that has a state: dropout, augmentation, batch normalization."""
    import keras

    from kpipe.kernels.take import take_kernels

    initial = [keras.initializers.GlorotUniform(seed) for seed in (1, 2)]
    inputs = hidden = keras.Input(shape, dtype="uint8", name="image")
    hidden = keras.layers.Rescaling(1 / 16, name="rescaling")(hidden)
    hidden = keras.layers.RandomFlip("horizontal", name="flip")(hidden)
    hidden = keras.layers.Flatten(name="flatten")(hidden)
    hidden = keras.layers.Dense(16, activation="relu", kernel_initializer=initial[0], name="hidden")(hidden)
    hidden = keras.layers.BatchNormalization(name="normalization")(hidden)
    hidden = keras.layers.Dropout(0.3, name="dropout")(hidden)
    outputs = keras.layers.Dense(units, kernel_initializer=initial[1], dtype="float32", name=output)(hidden)
    model = keras.Model(inputs, outputs)
    take_kernels(model)
    return model


def small_stack(**fields: Any) -> Any:
    """Autoencoders on the same images, with everything that is random, and a classifier on their code."""
    import keras

    import kpipe.backend
    from kpipe.kernels.take import take_kernels
    from kpipe.models.stacked_autoencoder import StackedAutoencoder

    kpipe.backend.use(keras.backend.backend(), seed=0)  # type: ignore[arg-type]
    written = {"units": [16, 8], "corruption": {"type": "masking"}, "dropout": 0.2, "sparsity": 0.01, **fields}
    model = StackedAutoencoder.model_validate(written).build(DIGITS)
    take_kernels(model)
    return model


def model_for(method: Method) -> Any:
    return small_stack() if "stack" in method.needs else small_model()


@dataclass
class Seen:
    """A watcher that writes down, and may send a signal at some step."""

    stop_at: tuple[int, int] | None = None
    number: int = signal.SIGINT
    stop_in: str = ""
    """only in a stage with this in its name"""
    stages: list[tuple[str, int, int]] = field(default_factory=list)
    steps: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)
    rows: list[Epoch] = field(default_factory=list)

    def on_stage(self, stage: str, epochs: int, steps: int) -> None:
        self.stages.append((stage, epochs, steps))

    def on_resume(self, rows) -> None:
        pass

    def on_step(self, epoch: int, step: int, logs: Any) -> None:
        self.steps.append((epoch, step, dict(logs)))
        if (epoch, step) == self.stop_at and self.stop_in in self.stages[-1][0]:
            os.kill(os.getpid(), self.number)

    def on_epoch(self, row: Epoch) -> None:
        self.rows.append(row)


@dataclass
class Trial:
    """Trains a small model in a folder of its own."""

    folder: Path

    def stage(
        self, *watchers: Seen, index: int = 0, seed: int = 0, folder: str = "checkpoints", **fields: Any
    ) -> Stage:
        checkpointing = Checkpointing.model_validate(fields.pop("checkpointing", {}))
        return Stage("fit", index, seed, 64, 0, self.folder / folder, tuple(watchers), checkpointing=checkpointing)

    def fit(self, written: dict[str, Any], *watchers: Seen, model: Any = None, **stage: Any) -> tuple[Any, Trained]:
        return self.train(Fit.model_validate(written), *watchers, model=model, **stage)

    def train(self, method: Method, *watchers: Seen, model: Any = None, **stage: Any) -> tuple[Any, Trained]:
        model = model_for(method) if model is None else model
        return model, method.train(model, part(0, 224), part(224, 320), DIGITS, self.stage(*watchers, **stage))

    def stages(
        self, model: Any, methods: Sequence[Method], *watchers: Seen, folder: str = "checkpoints"
    ) -> tuple[Any, list[Epoch]]:
        """One method after the other, as a run has them."""
        history: list[Epoch] = []
        steps = 0
        for index, method in enumerate(methods):
            begin = self.stage(*watchers, index=index, folder=folder)
            stage = replace(begin, name=f"{index + 1}-{method.type}", first_step=steps)
            trained = method.train(model, part(0, 224), part(224, 320), DIGITS, stage)
            history += trained.history
            steps = trained.steps
        return model, history


@pytest.fixture
def trial(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """Training on the backend, every step shown to the watchers."""
    from kpipe.training.loop import conductor

    monkeypatch.setattr(conductor, "LOOK_SECONDS", 0.0)
    return Trial(tmp_path)


@pytest.fixture
def seen() -> Callable[..., Seen]:
    return Seen


@pytest.fixture
def values() -> Callable[[Any], list[np.ndarray]]:
    """The values of a model's variables, seed generators' among them."""

    def of(model: Any) -> list[np.ndarray]:
        import keras

        return [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.variables]

    return of


@pytest.fixture
def difference(values: Callable[[Any], list[np.ndarray]]) -> Callable[[Any, Any], float]:
    """The largest difference between two models' variables."""

    def between(one: Any, other: Any) -> float:
        pairs: Sequence[tuple[np.ndarray, np.ndarray]] = list(zip(values(one), values(other), strict=True))
        return max(float(np.abs(a.astype(float) - b.astype(float)).max()) for a, b in pairs)

    return between


@pytest.fixture
def fresh_model(backend: str) -> Callable[..., Any]:
    return small_model


@pytest.fixture
def fresh_stack(backend: str) -> Callable[..., Any]:
    return small_stack


@pytest.fixture
def fresh_for(backend: str) -> Callable[[Method], Any]:
    return model_for


@pytest.fixture
def split_of_digits() -> Callable[[int, int], ArraySplit]:
    return part


class Forks:
    """The process that forks those that train (see ``forked.py``)."""

    def __init__(self, folder: Path, backend: str, pipelines: Mapping[str, str]) -> None:
        for name, text in pipelines.items():
            (folder / f"{name}.yaml").write_text(text)
        files = [str(folder / f"{name}.yaml") for name in pipelines]
        command = [sys.executable, str(Path(__file__).with_name("forked.py")), *files]
        environment = {**os.environ, "KERAS_BACKEND": backend}
        self.folder, self.ready = folder, False
        self.process = subprocess.Popen(
            command, env=environment, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the process that forks has ended"
        heard: dict[str, Any] = json.loads(line)
        return heard

    def train(
        self, pipeline: str, place: str, kill_at: str | None = None, delay: float | None = None
    ) -> tuple[int, dict[str, float]]:
        """Starts or resumes; kills after a step: while it waits there, or, with a delay, while it goes on.

        Returns how it ended, and the steps that were heard of with the mean loss of their epochs so far.
        """
        assert self.process.stdin is not None
        job = {
            "pipeline": pipeline,
            "folder": str(self.folder / pipeline / place),
            "result": str(self.folder / f"{pipeline}-{place}.npz"),
            "stand_at": kill_at if delay is None else None,
            "linger": 0.0 if delay is None else 60.0,
        }
        if not self.ready:
            self.ready = self.hear()["ready"]
        self.process.stdin.write(json.dumps(job) + "\n")
        pid, steps = self.hear()["pid"], {}
        while "ended" not in (said := self.hear()):
            steps[said["step"]] = said["loss"]
            if said["step"] == kill_at:
                time.sleep(delay or 0.0)
                os.kill(pid, signal.SIGKILL)
        return said["ended"], steps

    def result(self, pipeline: str, place: str) -> dict[str, np.ndarray]:
        with np.load(self.folder / f"{pipeline}-{place}.npz") as parts:
            return {name: parts[name] for name in parts.files}

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.stdout.close()
        assert self.process.wait(timeout=120) == 0


@pytest.fixture
def forks_on(tmp_path: Path) -> Iterator[Callable[[str, Mapping[str, str]], Forks]]:
    """Starts the process that forks those that train these pipelines on a backend."""
    started: list[Forks] = []

    def start(backend: str, pipelines: Mapping[str, str]) -> Forks:
        started.append(Forks(tmp_path, backend, pipelines))
        return started[-1]

    yield start
    for forks in started:
        forks.close()
