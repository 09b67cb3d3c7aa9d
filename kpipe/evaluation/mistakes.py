"""The mistakes of a model, worst first: in words, in rows for a table, and by position for pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kpipe.evaluation.evidence import Evidence

if TYPE_CHECKING:
    import numpy as np


LONGEST_TEXT = 80
"""Letters of a text shown in a table of mistakes."""


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
    """The most frequent confusions, of classes or tags; ``str()`` of one is ``8 read as 1 (2 of 35)``."""
    import numpy as np

    if evidence.task not in ("classes", "tags"):
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
    if evidence.task == "reconstruction":
        return f"On average over {count:,} {split} examples, {of_reconstruction(evidence)}."
    if evidence.task in ("values", "forecast"):
        import numpy as np

        off = np.abs(evidence.targets - evidence.outputs).reshape(-1, len(evidence.names)).mean(axis=0)
        each = ", ".join(f"{name} by {error:.3g}" for name, error in zip(evidence.names, off, strict=True))
        return f"On average over {count:,} {split} examples, the predictions are off: {each}."
    if evidence.task == "text":
        return of_texts(evidence)
    if evidence.task in ("tags", "next_token"):
        return of_steps(evidence)
    right = count - len(wrong(evidence))
    what = "read right" if evidence.task == "classes" else "with every label right"
    worst = ", ".join(map(str, confusions(evidence)))
    return f"{right:,} of {count:,} {split} examples {what}" + (f"; most often wrong: {worst}." if worst else ".")


def of_reconstruction(evidence: Evidence) -> str:
    """``pixels are off by 9.3; 4.8 % of the inputs' variance is lost``; other inputs have no unit in common."""
    from kpipe.evaluation.reconstruction import lost, mean_error

    share = f"{100 * lost(evidence):.2g} % of the inputs' variance is lost"
    if evidence.signature.input.kind != "image":
        return share
    return f"pixels are off by {mean_error(evidence):.3g}; {share}"


def wrong_texts(evidence: Evidence) -> np.ndarray:
    """The positions of the texts not generated letter for letter, those first whose reference surprised most."""
    import numpy as np

    pairs = zip(evidence.generated, evidence.references, strict=True)
    positions = np.flatnonzero([text != reference for text, reference in pairs])
    return positions[np.argsort(-evidence.example_losses[positions], kind="stable")]


def of_texts(evidence: Evidence) -> str:
    """``1,982 of 2,000 test texts written exactly right.``"""
    right = len(evidence) - len(wrong_texts(evidence))
    return f"{right:,} of {len(evidence):,} {evidence.split_name} texts written exactly right."


def of_steps(evidence: Evidence) -> str:
    """``23,500 of 25,094 test steps read right; most often wrong: PROPN read as NOUN (332 of 1983).``"""
    right, count = int((evidence.predicted == evidence.targets).sum()), len(evidence.targets)
    what = "steps read right" if evidence.task == "tags" else "tokens foretold"
    worst = ", ".join(map(str, confusions(evidence)))
    return f"{right:,} of {count:,} {evidence.split_name} {what}" + (f"; most often wrong: {worst}." if worst else ".")


def tag_row(evidence: Evidence, step: int) -> tuple[str, str, str, str]:
    """The position of the example that a step is of, with its token, what it is, what it was read as, how sure."""
    import numpy as np

    position = int(np.searchsorted(evidence.offsets, step, side="right")) - 1
    feature = evidence.signature.input
    token = evidence.split.take(np.array([position]))[feature.name][0][step - int(evidence.offsets[position])]
    word = feature.vocabulary.tokens[int(token)] if feature.vocabulary else str(token)
    true, read = int(evidence.targets[step]), int(evidence.predicted[step])
    names = evidence.names
    return f"{position:,}: {word}", names[true], names[read], percent(float(evidence.outputs[step][read]))


def wrong_steps(evidence: Evidence) -> np.ndarray:
    """The steps read wrong, the one with the highest loss first."""
    import numpy as np

    steps = np.flatnonzero(evidence.predicted != evidence.targets)
    return steps[np.argsort(-evidence.losses[steps], kind="stable")]


def text_row(evidence: Evidence, position: int) -> tuple[str, str, str, str]:
    """The position with the source, the reference, and what was written."""
    return example_words(evidence, position), evidence.references[position], evidence.generated[position], ""


def rows(evidence: Evidence, count: int = 10) -> list[tuple[str, str, str, str]]:
    """The worst mistakes for a table: the position in the split, what it is, what it was read as, how sure."""
    if evidence.task in ("values", "forecast", "next_token", "reconstruction"):
        return []
    if evidence.task == "tags":
        return [tag_row(evidence, int(step)) for step in wrong_steps(evidence)[:count]]
    if evidence.task == "text":
        return [text_row(evidence, int(position)) for position in wrong_texts(evidence)[:count]]
    return [
        (example_words(evidence, int(position)), *answer(evidence, int(position)))
        for position in wrong(evidence)[:count]
    ]


def example_words(evidence: Evidence, position: int) -> str:
    """The position in the split; of a text also how it begins: ``1,736: a gripping film, but``."""
    if evidence.signature.input.vocabulary is None:
        return f"{position:,}"
    text = evidence.source(position)
    return f"{position:,}: {text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + '...'}"


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
