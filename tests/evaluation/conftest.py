"""Evidence made by hand, for metrics and pictures, without a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from kpipe.data.preparation.ragged import Ragged
from kpipe.data.splits import ArraySplit, split_of
from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.forward import example_losses, probabilities
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.special import END, IGNORED, PADDING, START, UNKNOWN
from kpipe.tokenization.vocabulary import Vocabulary

PER_STEP = ("tags", "next_token")
VOCABULARY = Vocabulary.learn(Characters(), ["abcdefgh"])
ENTITIES = ("B-place", "I-place", "O", "B-person")
SEEN = 12
"""Steps that a forecast is made from."""


@dataclass(frozen=True)
class Row:
    """An epoch of a history."""

    epoch: int
    stage: str = "fit"
    step: int = 0
    learning_rate: float = 1e-3
    logs: dict[str, float] = field(default_factory=dict)


def rows(epochs: int, stages: int = 1) -> tuple[Row, ...]:
    return tuple(
        Row(
            epoch,
            f"stage {epoch * stages // (epochs + 1)}",
            epoch * 10,
            0.1**epoch,
            {"loss": 2 / epoch, "accuracy": 1 - 1 / epoch, "val_loss": 3 / epoch, "val_accuracy": 1 - 1.5 / epoch},
        )
        for epoch in range(1, epochs + 1)
    )


def signature_for(
    task: str, names: tuple[str, ...], shape: tuple[int, ...] = (8, 8, 1), dtype: str = "uint8"
) -> Signature:
    if task in PER_STEP:
        feature = Feature(name="x", kind="tokens", shape=(None,), dtype="int32", vocabulary=VOCABULARY)
    else:
        kind = "sequence" if task == "forecast" else "image" if len(shape) == 3 else "vector"
        fields = {"name": "x", "kind": kind, "shape": shape, "dtype": dtype}
        feature = Feature.model_validate(fields | ({"columns": names} if task == "forecast" else {}))
    target: dict[str, Any] = {"name": "y", "task": task, "names": () if task == "next_token" else names}
    if task == "next_token":
        target["vocabulary"] = VOCABULARY
    return Signature(inputs=(feature,), target=Target.model_validate(target))


def evidence_from(
    task: str,
    targets: np.ndarray,
    outputs: np.ndarray,
    names: tuple[str, ...] | None = None,
    shape: tuple[int, ...] = (8, 8, 1),
    dtype: str = "uint8",
    history: tuple[Row, ...] = (),
    model: Any = None,
) -> Evidence:
    """Evidence from targets and raw outputs: logits or values; of texts from references and what was written."""
    if task == "text":
        return text_evidence(list(outputs), list(targets), history=history)
    names = names or tuple(str(i) for i in range(outputs.shape[-1]))
    if task in PER_STEP:
        return steps_from(task, targets, outputs, names, history, model)
    if task == "forecast":
        shape, dtype = (SEEN, len(names)), "float32"
    signature = signature_for(task, names, shape, dtype)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (len(targets), *shape)).astype(dtype)
    if task == "forecast":
        images = generator.normal(size=images.shape).astype(dtype)
    split = ArraySplit({"x": images, "y": targets})
    made = probabilities(outputs, signature.target.task)
    losses = example_losses(outputs, targets, signature.target.task)
    return Evidence(signature, "test", split, targets, made, losses, model, history)


def text_evidence(
    written: Sequence[str],
    references: Sequence[str],
    sources: Sequence[str] = (),
    model: Any = None,
    history: tuple[Row, ...] = (),
) -> Evidence:
    """Evidence of texts: what a model wrote beside the references, each a character a token."""
    sources = sources or references
    vocabulary = Vocabulary.learn(Characters(), [*written, *references, *sources])
    common: dict[str, Any] = {"kind": "tokens", "shape": (None,), "dtype": "int32", "vocabulary": vocabulary}
    longest = max(map(len, [*written, *references])) + 1
    signature = Signature(
        inputs=(Feature(name="source", **common), Feature(name="previous", **common)),
        target=Target(task="text", vocabulary=vocabulary, max_length=longest),
    )
    rows = [[*vocabulary.encode(text), END] for text in references]
    columns = {
        "source": Ragged.of([vocabulary.encode(text) for text in sources], PADDING),
        "previous": Ragged.of([[START, *row[:-1]] for row in rows], PADDING),
        "target": Ragged.of(rows, IGNORED),
    }
    tokens = np.concatenate([np.array(row, "int32") for row in rows])
    lengths = np.array([len(row) for row in rows])
    wrong = np.repeat([one != other for one, other in zip(written, references, strict=True)], lengths)
    losses = np.where(wrong, 0.1 + np.random.default_rng(4).random(len(tokens)), 0.0)
    outputs = np.where(wrong, UNKNOWN, tokens)
    return Evidence(
        signature, "test", split_of(columns), tokens, outputs, losses, model, history, lengths, lambda: list(written)
    )  # fmt: skip


def steps_from(
    task: str, targets: np.ndarray, outputs: np.ndarray, names: tuple[str, ...], history: tuple[Row, ...], model: Any
) -> Evidence:
    """Evidence of answers for each step; every third step begins a new example."""
    signature = signature_for(task, names)
    starts = np.arange(0, len(targets), 3)
    lengths = np.diff([*starts, len(targets)])
    tokens = np.full((len(starts), 3), 4, "int32") * (np.arange(3) < lengths[:, None])
    losses = example_losses(outputs, targets, "classes")
    made = outputs.argmax(axis=1).astype("int32") if task == "next_token" else probabilities(outputs, "tags")
    split = ArraySplit({"x": tokens, "y": tokens - 1})
    return Evidence(signature, "test", split, targets, made, losses, model, history, lengths)


def perfect(task: str, size: int = 40, outputs: int = 4) -> Evidence:
    """Predictions that are all right, and sure of it."""
    generator = np.random.default_rng(1)
    if task == "text":
        return text_evidence(*[[sentence(generator) for _ in range(size)]] * 2)
    if task == "classes" or task in PER_STEP:
        outputs = outputs if task == "classes" else len(ENTITIES) if task == "tags" else VOCABULARY.size
        targets = np.arange(size, dtype="int32") % outputs
        names = ENTITIES if task == "tags" else None
        return evidence_from(task, targets, 50.0 * np.eye(outputs)[targets], names)
    if task == "labels":
        labels = np.float32((np.arange(size)[:, None] + np.arange(outputs)) % 3 == 0)
        return evidence_from(task, labels, 100.0 * labels - 50.0)
    values = np.float32(generator.normal(size=(size, 5, outputs) if task == "forecast" else (size, outputs)))
    return evidence_from(task, values, values.copy())


def sentence(generator: np.random.Generator) -> str:
    """Six words of three to five letters."""
    return " ".join("".join(generator.choice(list("aeklnorst"), generator.integers(3, 6))) for _ in range(6))


def guessed(task: str, size: int = 40, outputs: int = 4, seed: int = 2) -> Evidence:
    """The same targets as ``perfect``, and predictions that know nothing of them."""
    generator = np.random.default_rng(seed)
    if task == "text":
        written = [sentence(generator) for _ in range(size)]
        return text_evidence(written, perfect(task, size).references)
    made = perfect(task, size, outputs)
    columns = made.signature.target.size if task in PER_STEP else outputs
    shape = (size, 5, outputs) if task == "forecast" else (size, columns)
    return evidence_from(task, made.targets, generator.normal(size=shape), made.names or None)


@pytest.fixture(scope="session")
def make() -> Callable[..., Evidence]:
    return evidence_from


@pytest.fixture(scope="session")
def make_texts() -> Callable[..., Evidence]:
    return text_evidence


@pytest.fixture(scope="session")
def make_perfect() -> Callable[..., Evidence]:
    return perfect


@pytest.fixture(scope="session")
def make_guessed() -> Callable[..., Evidence]:
    return guessed


@pytest.fixture(scope="session")
def make_history() -> Callable[..., tuple[Row, ...]]:
    return rows


@pytest.fixture(scope="session")
def make_signature() -> Callable[..., Signature]:
    return signature_for
