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


def verdict(evidence: Evidence) -> str:
    """One line that says how well it went: ``355 of 360 test examples read right; most often wrong: 8 as 1 ...``."""
    count, split = len(evidence), evidence.split_name
    if evidence.task == "values":
        import numpy as np

        off = np.abs(evidence.targets - evidence.outputs).mean(axis=0)
        each = ", ".join(f"{name} by {error:.3g}" for name, error in zip(evidence.names, off, strict=True))
        return f"On average over {count:,} {split} examples, the predictions are off: {each}."
    right = count - len(wrong(evidence))
    what = "read right" if evidence.task == "classes" else "with every label right"
    worst = ", ".join(map(str, confusions(evidence)))
    return f"{right:,} of {count:,} {split} examples {what}" + (f"; most often wrong: {worst}." if worst else ".")


def rows(evidence: Evidence, count: int = 10) -> list[tuple[str, str, str, str]]:
    """The worst mistakes for a table: the position in the split, what it is, what it was read as, how sure."""
    if evidence.task == "values":
        return []
    return [(f"{position:,}", *answer(evidence, position)) for position in wrong(evidence)[:count]]


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
