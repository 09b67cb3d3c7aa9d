"""Answers: what a model says of each example, as flat records of words and numbers, the same for people and servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kpipe.signature import Target

if TYPE_CHECKING:
    import numpy as np

Record = dict[str, Any]


def answers(target: Target, outputs: np.ndarray | Sequence[Any]) -> list[Record]:
    """A record for each example.

    classes: ``label``, ``probability``, then each class's; labels: ``labels``, then each one's probability; values:
    each by name; forecast: each value of each step, ``load +1``; tags: ``tags``, one for each token; text, next_token:
    ``text``; reconstruction: ``reconstruction_error``, the root of the mean squared difference, in the input's unit.
    """
    if target.task in ("text", "next_token"):
        return [{"text": text} for text in outputs]
    if target.task == "tags":
        return [{"tags": " ".join(target.names[tag] for tag in rows.argmax(axis=1))} for rows in outputs]
    if target.task == "reconstruction":
        return [{"reconstruction_error": float(error)} for error in outputs]
    return [answer(target, row.reshape(-1).tolist()) for row in outputs]


def answer(target: Target, row: list[float]) -> Record:
    """The record of one example's probabilities or numbers."""
    record: Record = {}
    if target.task == "classes":
        best = max(range(len(row)), key=row.__getitem__)
        record = {"label": target.names[best], "probability": row[best]}
    elif target.task == "labels":
        record = {"labels": " ".join(name for name, value in zip(target.names, row, strict=True) if value >= 0.5)}
    return record | dict(zip(number_names(target), row, strict=True))


def number_names(target: Target) -> list[str]:
    """What each number of an answer is called."""
    if target.task == "forecast":
        return [f"{name} +{step}" for step in range(1, (target.horizon or 0) + 1) for name in target.names]
    prefix = "probability of " if target.task in ("classes", "labels") else ""
    return [f"{prefix}{name}" for name in target.names]


def columns(target: Target) -> list[dict[str, str]]:
    """Name and type of each column of the records, in MLflow's words."""
    words = {"classes": ["label"], "labels": ["labels"], "tags": ["tags"], "text": ["text"], "next_token": ["text"]}
    numbers = ["probability"] if target.task == "classes" else []
    if target.task == "reconstruction":
        numbers = ["reconstruction_error"]
    elif target.task in ("classes", "labels", "values", "forecast"):
        numbers += number_names(target)
    strings = [{"name": name, "type": "string"} for name in words.get(target.task, [])]
    return strings + [{"name": name, "type": "double"} for name in numbers]
