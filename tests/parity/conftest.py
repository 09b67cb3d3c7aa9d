"""Pipelines of the five families, small enough to be compared in seconds."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kpipe.pipeline import Pipeline
from kpipe.spec.check import checked
from kpipe.spec.document import document_of

OPTIMIZERS = {"SGD": {"SGD": {"learning_rate": 0.05}}, "Adam": {"Adam": {"learning_rate": 2e-3}}}
DIGITS = {"type": "sklearn", "dataset": "digits", "batch_size": 64}
LETTERS = {"type": "procedural", "dataset": "reverse", "max_letters": 5, "examples": 600, "batch_size": 32}
"""Of one length, when they are padded: JAX compiles once."""
FAMILIES: dict[str, dict[str, Any]] = {
    "cnn": {"data": DIGITS, "model": {"type": "cnn", "filters": [8, 16]}},
    "stacked_autoencoder": {
        "data": DIGITS,
        "model": {"type": "stacked_autoencoder", "units": [32, 8], "corruption": {"type": "masking", "rate": 0.25}},
        "train": [{"type": "pretrain_layerwise"}, {"type": "fit"}],
    },
    "rnn": {
        "model": {"type": "rnn", "units": [12], "embedding": 8, "bidirectional": True, "dropout": 0.2},
    },
    "encoder_decoder": {
        "data": LETTERS,
        "model": {"type": "encoder_decoder", "cell": "gru", "embedding": 8, "units": 16, "attention": "additive"},
    },
    "transformer": {
        "data": LETTERS,
        "model": {"type": "transformer", "layers": 2, "width": 16, "num_heads": 2, "feed_forward": 32, "dropout": 0.1},
    },
}


def pipeline_of(name: str, family: Mapping[str, Any], optimizer: Mapping[str, Any]) -> Pipeline:
    train = [{**stage, "optimizer": optimizer} for stage in family.get("train", [{"type": "fit"}])]
    written = {"name": name, **family, "train": train, "evaluate": {"metrics": ["loss"], "plots": []}, "threads": 1}
    return checked(Pipeline, document_of(written))


def write_words(path: Path) -> None:
    """Lines of five to eight words, some of them twice in a line; the kind is that of a word that is in it often."""
    draw = random.Random(0)
    lines = ["text,kind"]
    for _ in range(300):
        kind = draw.choice("abc")
        words = [draw.choice([kind * 3, "and", "or", "not", "abc"]) for _ in range(draw.randrange(5, 9))]
        lines.append(f"{' '.join(words)},{kind}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pipeline]:
    """Each family with each optimizer: ``cnn-SGD``."""
    folder = tmp_path_factory.mktemp("parity")
    write_words(folder / "words.csv")
    words = {"type": "text_table", "path": str(folder / "words.csv"), "target": "kind", "target_task": "classes"}
    families = {**FAMILIES, "rnn": {**FAMILIES["rnn"], "data": {**words, "batch_size": 32}}}
    return {
        f"{name}-{optimizer}": pipeline_of(f"{name}-{optimizer}", family, written)
        for name, family in families.items()
        for optimizer, written in OPTIMIZERS.items()
    }
