"""The mistakes of a model, worst first: in words, in rows for a table, and by position for pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kpipe.evaluation.evidence import Evidence

if TYPE_CHECKING:
    import numpy as np


class Confusion(NamedTuple):
    """How often one class was read as another."""

    true: str
    read_as: str
    times: int
    of: int

    def __str__(self) -> str:
        return f"{self.true} read as {self.read_as} ({self.times} of {self.of})"


def wrong(evidence: Evidence) -> np.ndarray:
    """The positions of the examples predicted wrong, the one with the highest loss first."""
    import numpy as np

    missed = evidence.predicted != evidence.targets
    positions = np.flatnonzero(missed if evidence.task == "classes" else missed.any(axis=1))
    return positions[np.argsort(-evidence.losses[positions], kind="stable")]


def confusions(evidence: Evidence, count: int = 2) -> list[Confusion]:
    """The most frequent confusions, of classes; ``str()`` of one is ``8 read as 1 (2 of 35)``."""
    import numpy as np

    if evidence.task != "classes":
        return []
    pairs = np.stack([evidence.targets, evidence.predicted], axis=1)[evidence.targets != evidence.predicted]
    found, times = np.unique(pairs, axis=0, return_counts=True)
    sizes = np.bincount(evidence.targets, minlength=len(evidence.names))
    worst = np.argsort(-times, kind="stable")[:count]
    return [
        Confusion(evidence.names[true], evidence.names[read], int(times[i]), int(sizes[true]))
        for i, (true, read) in zip(worst, found[worst], strict=True)
    ]


def answer(evidence: Evidence, position: int) -> tuple[str, str, str]:
    """What an example is, what it was read as, and how sure the model was: ``("8", "1", "97 %")``."""
    if evidence.task == "values":
        true, output = evidence.targets[position], evidence.outputs[position]
        return ", ".join(f"{v:.4g}" for v in true), ", ".join(f"{v:.4g}" for v in output), ""
    probabilities, predicted = evidence.outputs[position], evidence.predicted[position]
    if evidence.task == "classes":
        true = evidence.names[evidence.targets[position]]
        return true, evidence.names[predicted], percent(probabilities[predicted])
    true, read = (
        ", ".join(name for name, there in zip(evidence.names, row, strict=True) if there) or "none"
        for row in (evidence.targets[position], predicted)
    )
    least = min(p if there else 1 - p for p, there in zip(probabilities, predicted, strict=True))
    return true, read, percent(least)


def differences(evidence: Evidence, position: int) -> tuple[str, str]:
    """The labels that an example has and were not found, and those that were found and are not there."""
    difference = evidence.targets[position] - evidence.predicted[position]
    missed, added = (
        ", ".join(name for name, sign in zip(evidence.names, difference, strict=True) if sign == wanted) or "none"
        for wanted in (1, -1)
    )
    return missed, added


def percent(probability: float) -> str:
    """Rounded down for people, so that 100 % is said only of what is 1: ``0.9987 -> 99 %``."""
    return f"{int(probability * 100 + 1e-9)} %"
