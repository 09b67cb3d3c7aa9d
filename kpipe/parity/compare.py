"""Comparing: from what backends gave to how far they are apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from kpipe.parity.measurement import Arrays, Measurement, Part
from kpipe.parity.report import Course, PartReport, Report, Row, What
from kpipe.parity.tolerances import Tolerances

NOISE = 1e-7
"""A difference of losses below this is the rounding of one number, and tells nothing of growth."""
FEWEST = 4
"""Steps of growth from which its speed is told."""


def compare(
    pipeline: str,
    measurements: Sequence[Measurement],
    tolerances: Tolerances,
    steps: int,
    from_reference: bool,
    random: bool = False,
) -> Report:
    """Each measurement beside the first."""
    reference, *others = measurements
    names = sorted({name for one in measurements for name in one.metrics})
    return Report(
        pipeline=pipeline,
        backends=tuple(one.backend for one in measurements),
        steps=steps,
        from_reference=from_reference,
        parts=tuple(
            part_report(number, measurements, tolerances, from_reference) for number in range(len(reference.parts))
        ),
        metrics={
            name: {one.backend: one.metrics[name] for one in measurements if name in one.metrics} for name in names
        },
        last=tuple(metrics_row(reference, other, tolerances) for other in others),
        seconds={one.backend: one.seconds for one in measurements},
        random=random,
    )


def part_report(
    number: int, measurements: Sequence[Measurement], tolerances: Tolerances, from_reference: bool
) -> PartReport:
    reference = measurements[0].parts[number]
    courses = {one.backend: course(reference, one.parts[number], tolerances) for one in measurements}
    # what a later part begins with is what training made of it: the losses tell how well that agrees
    weights = None if number or from_reference else tolerances.weights
    rows: list[Row] = []
    for other in measurements[1:]:
        same_data = other.fingerprint == measurements[0].fingerprint
        part, backend = other.parts[number], other.backend
        rows += [
            examples_row(backend, reference, part, same_data),
            arrays_row(backend, "batch", reference.batch, part.batch, None if number else tolerances.layers),
            arrays_row(backend, "weights", reference.weights, part.weights, weights),
            arrays_row(backend, "layers", reference.outputs, part.outputs, tolerances.layers),
            gradients_row(backend, reference.gradients, part.gradients, tolerances.gradients),
            loss_row(backend, courses[backend], tolerances.loss),
        ]
    alone = {one.backend: layers_alone(one.parts[number], reference) for one in measurements[1:]}
    return PartReport(reference.name, tuple(rows), courses, reference.random, alone)


def layers_alone(part: Part, reference: Part) -> tuple[str, ...]:
    """Layers that this backend or the first has, and the other has not: they are compared with nothing."""
    return tuple(
        name for name in dict.fromkeys((*reference.outputs, *part.outputs)) if name not in both(reference, part)
    )


def both(one: Part, other: Part) -> set[str]:
    return set(one.outputs) & set(other.outputs)


def examples_row(backend: str, reference: Part, part: Part, same_data: bool) -> Row:
    """The number of steps that have other examples, or the same in another order."""
    pairs = enumerate(zip(reference.batches, part.batches, strict=True), start=1)
    differing = [step for step, (one, other) in pairs if one != other or not same_data]
    where = "" if not differing else f"step {differing[0]}" if same_data else "the data itself"
    return Row(backend, "examples", float(len(differing)), where, 0.0, where)


def arrays_row(backend: str, what: What, one: Arrays, other: Arrays, allowed: float | None) -> Row:
    """Of arrays by name; of all but weights relative to their largest number, where that is above 1."""
    found = {name: distance(one[name], other[name], what != "weights") for name in one if name in other}
    return largest(backend, what, found, allowed)


def gradients_row(backend: str, one: Arrays, other: Arrays, allowed: float) -> Row:
    """The length of each difference, relative to that of the whole gradient.

    Not to the variable's own: some gradients are zero but for rounding, as of a bias before a normalization.
    """
    whole = math.sqrt(sum(length(array) ** 2 for array in one.values())) or 1.0
    found = {name: length(one[name] - other[name].astype("float64")) / whole for name in one if name in other}
    return largest(backend, "gradients", found, allowed)


def length(array: np.ndarray) -> float:
    """Of a vector; infinite where not all of it are numbers."""
    found = float(np.linalg.norm(array.astype("float64").reshape(-1)))
    return found if math.isfinite(found) else math.inf


def loss_row(backend: str, course: Course, allowed: float) -> Row:
    found = {f"step {step}": difference for step, difference in enumerate(course.differences, start=1)}
    return largest(backend, "loss", found, allowed)


def metrics_row(reference: Measurement, other: Measurement, tolerances: Tolerances) -> Row:
    shared = [name for name in reference.metrics if name in other.metrics]
    found = {name: abs(reference.metrics[name] - other.metrics[name]) for name in shared}
    return largest(other.backend, "metrics", found, tolerances.metrics)


def largest(backend: str, what: What, found: Mapping[str, float], allowed: float | None) -> Row:
    where = max(found, key=lambda name: found[name], default="")
    difference = found.get(where, 0.0)
    beyond = (name for name, one in found.items() if allowed is not None and one > allowed)
    return Row(backend, what, difference, where if difference else "", allowed, next(beyond, ""))


def distance(one: np.ndarray, other: np.ndarray, relative: bool) -> float:
    """The largest difference; infinite where shapes differ or only one is a number."""
    if one.shape != other.shape:
        return math.inf
    exact, against = one.astype("float64"), other.astype("float64")
    same = (exact == against) | (np.isnan(exact) & np.isnan(against))
    apart = np.where(same, 0.0, np.abs(exact - against))
    found = float(apart.max(initial=0.0))
    if not math.isfinite(found):
        return math.inf
    return found / max(1.0, float(np.abs(exact).max(initial=0.0))) if relative else found


def course(reference: Part, part: Part, tolerances: Tolerances) -> Course:
    one, other = np.array(reference.losses), np.array(part.losses)
    differences = np.abs(one - other) / np.maximum(1.0, np.abs(one))
    differences = np.where(np.isfinite(differences), differences, np.inf)
    beyond = np.flatnonzero(differences > tolerances.loss)
    departs = int(beyond[0]) + 1 if len(beyond) else None
    return Course(part.losses, tuple(differences.tolist()), departs, tenfold(differences) if departs else None)


def tenfold(differences: np.ndarray) -> float | None:
    """The steps in which differences grow tenfold, by a line through their logarithms up to the largest."""
    top = int(np.argmax(differences))
    steps = np.flatnonzero((differences[: top + 1] > NOISE) & np.isfinite(differences[: top + 1]))
    if len(steps) < FEWEST:
        return None
    slope = float(np.polyfit(steps, np.log10(differences[steps]), 1)[0])
    return 1 / slope if slope > 0 else None
