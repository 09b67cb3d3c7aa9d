"""A small model of each family, saved as a run saves it, without a training; its weights are no longer the first."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe import serving
from kpipe.export.prepared import PREPARATION, SIGNATURE
from kpipe.export.task import Task
from kpipe.pipeline import Pipeline, build, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import document_of

DIGITS = {"type": "sklearn", "dataset": "digits", "batch_size": 16}
LETTERS = {"type": "procedural", "dataset": "reverse", "examples": 200, "max_letters": 5, "batch_size": 16}
WORDS = {"type": "text_table", "path": "words.csv", "target": "kind", "target_task": "classes", "batch_size": 16}
FAMILIES: dict[str, dict[str, Any]] = {
    "cnn": {"data": DIGITS, "model": {"type": "cnn", "filters": [4, 8]}},
    "stacked_autoencoder": {
        "data": DIGITS,
        "model": {
            "type": "stacked_autoencoder", "output": "reconstruction", "units": [16, 4], "tied": True,
            "corruption": {"type": "masking", "rate": 0.2},
        },
    },
    "rnn": {"data": WORDS, "model": {"type": "rnn", "units": [6], "embedding": 4, "bidirectional": True}},
    "encoder_decoder": {"data": LETTERS, "model": {"type": "encoder_decoder", "units": 6, "embedding": 4}},
    "transformer": {
        "data": LETTERS,
        "model": {"type": "transformer", "layers": 1, "width": 8, "num_heads": 2, "feed_forward": 16},
    },
    "mlp": {"data": {"type": "sklearn", "dataset": "iris"}, "model": {"type": "mlp", "units": [64, 64]}},
}  # fmt: skip


def write_words(path: Path) -> None:
    draw = random.Random(0)
    lines = ["text,kind"]
    for _ in range(150):
        kind = draw.choice("abc")
        lines.append(f"{' '.join(draw.choices([kind * 3, 'and', 'or', 'not'], k=draw.randrange(3, 12)))},{kind}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def saved(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Task]:
    """``saved("cnn", formats=("onnx",))``: a run's folder with the model of a family, and the task to write it."""
    monkeypatch.chdir(tmp_path)

    def made(family: str, precision: str = "float32", **task: Any) -> Task:
        write_words(tmp_path / "words.csv")
        written = {"name": family, "train": {"type": "fit"}, "precision": precision, **FAMILIES[family]}
        pipeline = checked(Pipeline, document_of(written))
        splits = load_splits(pipeline)
        model = build(pipeline, splits.signature)
        draw = np.random.default_rng(0)
        for weight in model.trainable_weights:
            weight.assign(weight + 0.1 * draw.standard_normal(weight.shape).astype("float32"))
        run = tmp_path / "run"
        run.mkdir()
        serving.save(
            run / "model", pipeline, splits.signature, splits.preparation, model, splits.test.take(np.arange(1))
        )
        (run / "fingerprint").write_text(splits.fingerprint, encoding="utf-8")
        folder = tmp_path / "export"
        folder.mkdir()
        for name in (PREPARATION, SIGNATURE):
            shutil.copy(run / "model" / name, folder)
        reference = str(folder / "reference.npy")
        return Task(run=str(run), backend=backend, folder=str(folder), reference=reference, **task)  # type: ignore[arg-type]

    return made
