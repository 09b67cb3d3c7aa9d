"""Trains small pipelines on one device and on two, and prints the losses of every step as JSON.

``python one_and_two.py BACKEND``; PyTorch's second process gets where they meet as a second word.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from kpipe import backend
from kpipe.errors import Interrupted
from kpipe.pipeline import Pipeline, build, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.stages import train

SGD = {"SGD": {"learning_rate": 0.1, "momentum": 0.9}}
ADAM = {"Adam": {"learning_rate": 0.003}}
EVERYTHING = {"AdamW": {"learning_rate": 0.003, "global_clipnorm": 0.5, "use_ema": True, "ema_momentum": 0.9}}
ACCUMULATED = SGD if "tensorflow" in sys.argv else {"SGD": {"learning_rate": 0.1, "gradient_accumulation_steps": 3}}
DIGITS = {"type": "sklearn", "dataset": "digits", "batch_size": 64}
"""Twenty steps; the last has 41 examples, 21 for the first device and 20 for the second."""

CASES: dict[str, dict[str, Any]] = {
    "mlp, whose last batch is a single example, and its validation one batch of 15": {
        "data": {"type": "sklearn", "dataset": "iris", "batch_size": 26},
        "model": {"type": "mlp", "units": [16]},
        "train": {"type": "fit", "epochs": 3, "optimizer": SGD},
    },
    "autoencoder, layer by layer and as a whole": {
        "data": DIGITS,
        "model": {"type": "stacked_autoencoder", "units": [32, 8], "tied": True, "sparsity": 0.01},
        "train": [
            {"type": "pretrain_layerwise", "epochs": 1, "optimizer": ADAM},
            {"type": "fit", "epochs": 1, "optimizer": ACCUMULATED},
        ],
    },
    "cnn with batch normalization": {
        "data": DIGITS,
        "model": {"type": "cnn", "filters": [4, 8], "normalization": "batch"},
        "train": {"type": "fit", "epochs": 1, "optimizer": EVERYTHING, "class_weight": "balanced"},
    },
    "rnn over texts of all lengths": {
        "data": {"type": "text_table", "path": "texts.csv", "text": "text", "target": "kind", "batch_size": 32},
        "model": {"type": "rnn", "units": [8], "embedding": 8, "bidirectional": True},
        "train": {"type": "fit", "epochs": 2, "optimizer": ADAM},
    },
    "transformer that writes texts of all lengths": {
        "data": {"type": "procedural", "dataset": "reverse", "max_letters": 6, "examples": 900, "batch_size": 32},
        "model": {"type": "transformer", "layers": 1, "width": 16, "num_heads": 2, "feed_forward": 16, "dropout": 0.0},
        "train": {"type": "fit", "epochs": 1, "optimizer": EVERYTHING, "label_smoothing": 0.1},
    },
}  # fmt: skip


STOPPED: dict[str, Any] = {
    "data": DIGITS,
    "model": {"type": "cnn", "filters": [4, 8], "dropout": 0.3, "augmentation": {"translation": 0.1}},
    "train": {"type": "fit", "epochs": 2, "optimizer": EVERYTHING, "schedule": {"type": "cosine"}},
}
"""With everything that has a state."""


class Losses:
    """A watcher that writes the loss of every step and all of an epoch's numbers down, and may stop at a step."""

    def __init__(self, stop: tuple[int, int] | None = None) -> None:
        self.found: list[float] = []
        self.stop = stop

    def on_stage(self, stage: str, epochs: int, steps: int) -> None:
        pass

    def on_resume(self, rows: Any) -> None:
        pass

    def on_step(self, epoch: int, step: int, logs: Any) -> None:
        self.found.append(logs["loss"])
        if (epoch, step) == self.stop:
            os.kill(os.getpid(), signal.SIGINT)

    def on_epoch(self, row: Any) -> None:
        self.found.extend(value for _, value in sorted(row.logs.items()))


def losses(written: dict[str, Any], engine: Any, devices: int, stop: tuple[int, int] | None = None) -> list[float]:
    from kpipe.training.loop import conductor
    from kpipe.training.sharing.replicas import replicated

    conductor.LOOK_SECONDS = 0.0
    pipeline = checked(Pipeline, document_of({"name": "small", **written}))
    splits = load_splits(pipeline)
    backend.use(engine, devices=2)
    found: list[float] = []
    several = replicated(2) if devices == 2 and engine != "torch" else nullcontext()
    with several, tempfile.TemporaryDirectory() as folder:
        for watcher in (Losses(stop), Losses()) if stop else (Losses(),):
            with suppress(Interrupted):
                train(pipeline, build(pipeline, splits.signature), splits, Path(folder), [watcher])
            found += watcher.found
    return found


def write_texts() -> None:
    """Long texts of short words, and the other way round."""
    rows = ["text,kind"]
    for number in range(300):
        draw = random.Random(number)
        kind, length = draw.choice([("a", 4), ("b", 20)])
        rows.append(
            " ".join(draw.choice("uvwxyz" if draw.random() < 0.7 else kind) for _ in range(length)) + f",{kind}"
        )
    Path("texts.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def main(engine: str, place: str = "") -> None:
    from kpipe.training.sharing.processes import join

    second = bool(place)
    if not second:
        write_texts()
    found = {} if second else {name: [losses(case, engine, 1)] for name, case in CASES.items()}
    other = None
    if engine == "torch":
        place = place or f"file://{Path.cwd()}/meeting"
        if not second:
            other = subprocess.Popen([sys.executable, __file__, engine, place])
        backend.use("torch", threads=1)
        join(int(second), 2, place)
    for name, case in CASES.items():
        shared = losses(case, engine, 2)
        if not second:
            found[name].append(shared)
    straight = losses(STOPPED, engine, 2)
    if second:
        losses(STOPPED, engine, 2)  # it hears nothing of a stop: the first process goes on with it later
    else:
        found["stopped"] = [straight, losses(STOPPED, engine, 2, stop=(2, 7))]
        print(json.dumps(found))
        assert other is None or other.wait(60) == 0


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = sys.argv[1]
    main(*sys.argv[1:])
