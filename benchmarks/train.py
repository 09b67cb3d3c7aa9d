"""Training: kpipe's steps against Keras's ``fit`` and against the backend's own loop, five families, three backends.

    python benchmarks/train.py [--families cnn rnn] [--backends jax] [--rounds 5] [--steps 40] [--threads 1]

A process for each backend and family. In it all train the same network (PyTorch's own modules: one of the same sizes)
on batches of the same sizes with Adam, epoch by epoch in turn, and each keeps its best epoch: kpipe through its own
pipeline, loop and callbacks; ``fit`` as an expert writes it (arrays or tf.data, on TensorFlow with and without XLA and
ten steps an execution, the better counts); by hand (tf.function with and without XLA, the better counts; jax.jit with
donated state; torch.nn). Prints processor time of a step in ms, and how many of kpipe's steps fit in one of
theirs, in processor time and on the clock, which others on the machine disturb. Aims: 1.0 of fit's, 0.9 of by hand's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kpipe.backend import BACKENDS, use
from kpipe.pipeline import Pipeline, build, load_splits

TEXT = {"type": "procedural", "dataset": "dates", "examples": 10_000, "batch_size": 64}
FAMILIES: Mapping[str, Mapping[str, Any]] = {
    "autoencoder": {
        "data": {"type": "npz", "batch_size": 128},
        "model": {"type": "stacked_autoencoder", "output": "reconstruction", "units": [256, 64]},
    },
    "cnn": {
        "data": {"type": "npz", "batch_size": 64},
        "model": {"type": "cnn", "filters": [16, 32, 64], "pooling": ["max", "max", "none"]},
    },
    "rnn": {
        "data": {"type": "procedural", "dataset": "adding_problem", "length": 100, "batch_size": 32},
        "model": {"type": "rnn", "cell": "lstm", "units": [64], "bidirectional": True, "pooling": "mean"},
    },
    "encoder_decoder": {
        "data": TEXT,
        "model": {"type": "encoder_decoder", "cell": "gru", "embedding": 32, "units": 64, "attention": "additive"},
    },
    "transformer": {
        "data": TEXT,
        "model": {"type": "transformer", "layers": 2, "width": 64, "num_heads": 4, "feed_forward": 256},
    },
}
SEVERAL = 10
"""Steps an execution of ``fit`` on TensorFlow."""


class Over(Exception):
    """The benchmark has ended; leaves ``fit``."""


@dataclass
class Turns:
    """One of those that train: runs in a thread of its own, an epoch whenever it is its turn."""

    name: str
    work: Callable[[Turns], None]
    steps: int
    epochs: list[tuple[float, float]] = field(default_factory=list)
    """processor and clock seconds of each"""
    over: bool = False
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.turn, self.done = threading.Semaphore(0), threading.Semaphore(0)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        try:
            self.turn.acquire()
            self.work(self)
        except Over:
            pass
        except BaseException as error:  # noqa: BLE001 (shown by the main thread)
            self.error = error
        self.done.release()

    def begin(self) -> None:
        """An epoch begins; the one before hands over."""
        if self.epochs or self.over:
            self.done.release()
            self.turn.acquire()
        if self.over:
            raise Over
        self.busy, self.clock = time.process_time(), time.perf_counter()

    def end(self) -> None:
        self.epochs.append((time.process_time() - self.busy, time.perf_counter() - self.clock))

    def take(self) -> None:
        """One epoch, of which the first compiles."""
        self.turn.release()
        self.done.acquire()
        if self.error is not None:
            raise self.error

    def best(self) -> tuple[float, float, float]:
        """Milliseconds of a step, of the processor and on the clock; processor seconds of the first epoch."""
        busy, clock = (min(times) for times in zip(*self.epochs[1:], strict=True))
        return 1000 * busy / self.steps, 1000 * clock / self.steps, self.epochs[0][0]


def pipeline_of(family: str, steps: int, folder: Path) -> Pipeline:
    """The family's pipeline, an epoch of ``steps`` steps; images are noise of MNIST's size."""
    sections = FAMILIES[family]
    data = dict(sections["data"])
    if data["type"] == "npz":
        draw = np.random.default_rng(0)
        sizes = {"train": steps * data["batch_size"], "validation": 64, "test": 64}
        arrays = {f"x_{name}": draw.integers(0, 256, (size, 28, 28)).astype("uint8") for name, size in sizes.items()}
        arrays |= {f"y_{name}": np.arange(size) % 10 for name, size in sizes.items()}
        data["path"] = str(folder / "noise.npz")
        np.savez(data["path"], **arrays)
    elif data["dataset"] == "adding_problem":
        data |= {"examples": 2 * steps * data["batch_size"], "split": {"validation": 0.1, "test": 0.4}}
    train = {"type": "fit", "epochs": 1_000_000, "steps_per_epoch": steps, "optimizer": {"Adam": {}}}
    return Pipeline.model_validate({"name": family, "data": data, "model": sections["model"], "train": train})


class Contest:
    """A family on a backend: all that is trained, and how."""

    def __init__(self, family: str, steps: int, folder: Path) -> None:
        from kpipe.training.loop.batches import Examined, Plan
        from kpipe.training.loop.masking import MaskedLoss

        self.family, self.steps, self.folder = family, steps, folder
        self.pipeline = pipeline_of(family, steps, folder)
        self.splits = load_splits(self.pipeline)
        signature, method, size = self.splits.signature, self.pipeline.train[0], self.pipeline.data.batch_size
        self.padded = signature.is_padded
        self.signature, self.method = signature, method
        loss = method.build_loss(signature.target)  # type: ignore[attr-defined]
        self.loss = MaskedLoss(loss, signature.target.is_discrete) if self.padded else loss
        train = Examined(self.splits.train, signature)
        groups = self.splits.train.groups if self.padded else ()
        plan = Plan(len(train), size, 0, 0, steps, groups)
        self.batches = [train.take(indices) for indices in plan.batches(0)]

    def metrics(self) -> list[Any]:
        from kpipe.training.loop.masking import MaskedMetric

        metrics: list[Any] = self.method.build_metrics(self.signature.target)  # type: ignore[attr-defined]
        discrete = self.signature.target.is_discrete
        return [MaskedMetric(metric, discrete) for metric in metrics] if self.padded else metrics

    # ---- kpipe

    def kpipe(self, turns: Turns) -> None:
        from kpipe.stages import train
        from kpipe.training.loop import conductor

        class Measured(conductor.Conductor):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                turns.begin()
                super().on_epoch_begin(epoch, logs)

            def on_test_begin(self, logs: Any = None) -> None:
                turns.end()
                super().on_test_begin(logs)

        conductor.Conductor = Measured  # type: ignore[misc]
        model = build(self.pipeline, self.splits.signature)
        checkpoints = self.folder / "checkpoints"
        train(self.pipeline, model, self.splits, checkpoints, ())

    # ---- Keras's fit

    def fit(self, xla: bool | str, several: int = 1) -> Callable[[Turns], None]:
        def work(turns: Turns) -> None:
            import keras

            class Measured(keras.callbacks.Callback):  # type: ignore[misc]
                def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
                    turns.begin()

                def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
                    turns.end()

            model = self.compiled(xla, several)
            model.fit(**self.fed(), epochs=1_000_000, verbose=0, callbacks=[Measured()])

        return work

    def compiled(self, xla: bool | str, several: int = 1) -> Any:
        import keras

        by_keras = self.pipeline.model_copy(update={"kernels": "keras"})
        model = build(by_keras, self.splits.signature)
        optimizer = keras.optimizers.Adam()
        model.compile(optimizer, self.loss, metrics=self.metrics(), jit_compile=xla, steps_per_execution=several)
        model.optimizer.build(model.trainable_variables)
        return model

    def fed(self) -> dict[str, Any]:
        """What ``fit`` is given: arrays, on TensorFlow tf.data; where lengths differ, batches made before."""
        import keras

        batches = self.batches
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            if self.padded:
                return {"x": self.of_buckets(), "steps_per_epoch": self.steps}
            inputs, target = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
            data = tf.data.Dataset.from_tensor_slices((inputs, target)).shuffle(len(inputs)).repeat()
            return {"x": data.batch(len(batches[0][1]), drop_remainder=True).prefetch(2), "steps_per_epoch": self.steps}
        if not self.padded:
            inputs, target = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
            return {"x": inputs, "y": target, "batch_size": len(batches[0][1])}

        class Batches(keras.utils.PyDataset):  # type: ignore[misc]
            num_batches = len(batches)

            def __getitem__(self, index: int) -> Any:
                return batches[index]

        return {"x": Batches(), "shuffle": False}

    def of_buckets(self) -> Any:
        """A dataset for each length, mixed by their sizes."""
        import tensorflow as tf

        by_length: dict[int, list[Any]] = {}
        for batch in self.batches:
            by_length.setdefault(batch[0]["source"].shape[1], []).append(batch)
        sets, shares = [], []
        for group in by_length.values():
            whole = tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *group)
            size = len(group[0][1])
            spec = tf.nest.map_structure(lambda array: tf.TensorSpec([None] * array.ndim, array.dtype), group[0])
            one = tf.data.Dataset.from_tensor_slices(whole).shuffle(len(group) * size).repeat().batch(size)
            shares.append(len(group) / len(self.batches))
            sets.append(one.map(lambda *batch, spec=spec: loosened(batch, spec)))
        return tf.data.Dataset.sample_from_datasets(sets, shares, seed=0).prefetch(2)

    # ---- by hand

    def by_hand(self, xla: bool) -> Callable[[Turns], None]:
        import keras

        loops = {"tensorflow": self.tensorflow_step, "jax": self.jax_step, "torch": self.torch_step}
        make = loops[keras.backend.backend()]

        def work(turns: Turns) -> None:
            step = make(xla)
            while True:
                turns.begin()
                for batch in self.batches:
                    loss = step(*batch)
                float(loss)
                turns.end()

        return work

    def tensorflow_step(self, xla: bool) -> Callable[..., Any]:
        import tensorflow as tf

        model = self.compiled(False)

        @tf.function(jit_compile=xla, reduce_retracing=True)
        def step(inputs: Any, target: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = self.loss(target, model(inputs, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            return loss

        return step

    def jax_step(self, _: bool) -> Callable[..., Any]:
        import jax

        model = self.compiled("auto")

        def loss_of(trainable: Any, other: Any, inputs: Any, target: Any) -> Any:
            outputs, other = model.stateless_call(trainable, other, inputs, training=True)
            return self.loss(target, outputs), other

        gradient = jax.value_and_grad(loss_of, has_aux=True)

        def update(state: Any, inputs: Any, target: Any) -> Any:
            trainable, other, slots = state
            (loss, other), gradients = gradient(trainable, other, inputs, target)
            trainable, slots = model.optimizer.stateless_apply(slots, gradients, trainable)
            return loss, (trainable, other, slots)

        compiled = jax.jit(update, donate_argnums=0)
        groups = model.trainable_variables, model.non_trainable_variables, model.optimizer.variables
        states = [tuple([jax.numpy.array(one.value) for one in group] for group in groups)]

        def step(inputs: Any, target: Any) -> Any:
            loss, states[0] = compiled(states[0], inputs, target)
            return loss

        return step

    def torch_step(self, _: bool) -> Callable[..., Any]:
        import torch
        from train_torch import network_of

        model, loss_of = network_of(self.family, self.splits.signature)
        optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)

        def step(inputs: Any, target: Any) -> Any:
            given = inputs.values() if isinstance(inputs, dict) else [inputs]
            optimizer.zero_grad()
            loss = loss_of(model(*map(torch.from_numpy, given)), torch.from_numpy(target))
            loss.backward()
            optimizer.step()
            return loss

        return step


def loosened(batch: Any, spec: Any) -> Any:
    """Tensors whose sides may be of any length."""
    import tensorflow as tf

    tensors = tf.nest.flatten(batch)
    shapes = [one.shape for one in tf.nest.flatten(spec)]
    loose = [tf.raw_ops.PlaceholderWithDefault(input=t, shape=s) for t, s in zip(tensors, shapes, strict=True)]
    return tf.nest.pack_sequence_as(batch, loose)


def contest(family: str, backend: str, rounds: int, steps: int) -> dict[str, tuple[float, float, float]]:
    """In this process: the best milliseconds of a step of each, of the processor and on the clock."""
    with tempfile.TemporaryDirectory() as folder:
        held = Contest(family, steps, Path(folder))
        rivals = {"kpipe": held.kpipe}
        if backend == "tensorflow":
            rivals |= {f"fit{words}": held.fit(xla, SEVERAL) for xla, words in ((False, ""), (True, " XLA"))}
            rivals |= {f"by hand{words}": held.by_hand(xla) for xla, words in ((False, ""), (True, " XLA"))}
        else:
            rivals |= {"fit": held.fit("auto"), "by hand": held.by_hand(False)}
        all_turns = [Turns(name, work, steps) for name, work in rivals.items()]
        for _ in range(rounds + 1):
            for turns in all_turns:
                turns.take()
        return {turns.name: turns.best() for turns in all_turns}


def ratios(found: Mapping[str, Sequence[float]], rival: str) -> tuple[float, float]:
    """The rival's best over kpipe's: of the processor, on the clock."""
    theirs = [times for name, times in found.items() if name.startswith(rival)]
    busy, clock, _ = (min(times) / ours for times, ours in zip(zip(*theirs, strict=True), found["kpipe"], strict=True))
    return busy, clock


def report(family: str, backend: str, found: Mapping[str, Sequence[float]]) -> None:
    fit, hand = ratios(found, "fit"), ratios(found, "by hand")
    times = "   ".join(f"{name} {busy:.2f} (first epoch {first:.1f} s)" for name, (busy, _, first) in found.items())
    print(
        f"{family:<16} {backend:<11} {fit[0]:5.2f} x fit   {hand[0]:5.2f} x by hand   "
        f"(clock {fit[1]:.2f}, {hand[1]:.2f})   ms: {times}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--backends", nargs="+", default=list(BACKENDS), choices=list(BACKENDS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        (family,), (backend,) = arguments.families, arguments.backends
        use(backend, threads=arguments.threads)
        print("\n" + json.dumps(contest(family, backend, arguments.rounds, arguments.steps)))
        return
    for family in arguments.families:
        for backend in arguments.backends:
            command = [sys.executable, str(Path(__file__).resolve()), "--inside", "--families", family]
            command += ["--backends", backend, "--rounds", str(arguments.rounds), "--steps", str(arguments.steps)]
            command += ["--threads", str(arguments.threads)]
            environment = {**os.environ, "KERAS_BACKEND": backend}
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
            if done.returncode:
                sys.exit(f"{family} on {backend} failed:\n{done.stdout}\n{done.stderr}")
            report(family, backend, json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
