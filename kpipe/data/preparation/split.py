"""Cutting validation and test off a set of examples."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np

from kpipe.backend import derive
from kpipe.data.preparation.learn import Part
from kpipe.data.preparation.stored import some
from kpipe.data.split_rule import GivenSplitRule, SplitName, SplitRule
from kpipe.errors import DataError
from kpipe.signature import Task
from kpipe.spec.mistake import nearest

USUAL: Mapping[SplitName, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test",),
}
"""What given splits are usually called."""


def given_names(rule: GivenSplitRule, available: Collection[str], where: str) -> dict[SplitName, str]:
    """Which of the ``available`` splits is train, validation and test; empty when there is no train among them.

    Raises: DataError: one that the rule names is not there.
    """
    for split, name in rule.names.items():
        if name.partition("[")[0] not in available:
            near = nearest(name, available)
            raise DataError(
                f"{where}: no split `{name}` for {split}; it has {', '.join(sorted(available)) or 'none'}",
                f"did you mean `{near}`?" if near else "",
            )
    if rule.names:
        return dict(rule.names)
    found = {split: next((name for name in names if name in available), None) for split, names in USUAL.items()}
    return {split: name for split, name in found.items() if name is not None} if found["train"] else {}


def divide(given: Mapping[SplitName, Part], rule: SplitRule, seed: int, task: Task) -> Mapping[SplitName, Part]:
    """The given splits, targets encoded, with those that lack cut off train. Raises: DataError."""
    train = given["train"]
    if {"validation", "test"} <= set(given):
        return given
    indices = cut(len(train.targets), rule, seed, train.targets if task == "classes" else None, tuple(given))
    parts = {name: Part(some(train.inputs, chosen), train.targets[chosen]) for name, chosen in indices.items()}
    return {**given, **parts}


def cut(
    count: int, rule: SplitRule, seed: int, classes: np.ndarray | None = None, given: tuple[SplitName, ...] = ()
) -> Mapping[SplitName, np.ndarray]:
    """The indices of train, and of validation and test where they are not ``given``; disjoint, complete, sorted.

    ``classes`` holds a value per example by which the cut is stratified; None for none. A split takes
    ceil(count * fraction) examples.

    Raises: DataError: there are too few examples.
    """
    fractions: dict[SplitName, float] = {"test": rule.test, "validation": rule.validation}
    rest = np.random.default_rng(derive(seed, "split")).permutation(count)
    found: dict[SplitName, np.ndarray] = {}
    for name, fraction in fractions.items():
        if name in given:
            continue
        number = math.ceil(round(count * fraction, 6))
        if classes is not None and rule.stratified:
            chosen = stratified(classes[rest], number, name, fraction)
        else:
            chosen = np.arange(len(rest)) < number
        found[name] = np.sort(rest[chosen])
        rest = rest[~chosen]
    if not len(rest):
        raise DataError(f"{count} examples are too few to split: none is left for train", "give more examples")
    return {"train": np.sort(rest), **found}


def stratified(classes: np.ndarray, number: int, name: str, fraction: float) -> np.ndarray:
    """A mask of ``number`` examples, each class in proportion: its first ones in the order given."""
    _, inverse, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    if number > len(classes) - len(sizes):
        raise DataError(
            f"{len(classes)} examples of {len(sizes)} classes are too few: {name} {fraction:g} would take {number} "
            "and leave a class without an example to train on",
            f"make `split.{name}` smaller, or give more examples of each class",
        )
    by_class = np.argsort(inverse, kind="stable")
    rank = np.arange(len(classes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    mask = np.zeros(len(classes), dtype=bool)
    mask[by_class] = rank < np.repeat(share(sizes, number), sizes)
    return mask


def share(sizes: np.ndarray, number: int) -> np.ndarray:
    """How many of each class make up ``number``: in proportion, by largest remainder, never a class's last one."""
    quota = sizes * number / sizes.sum()
    taken: np.ndarray = np.minimum(sizes * number // sizes.sum(), sizes - 1)
    for _ in range(number - int(taken.sum())):
        lacking = np.where(taken < sizes - 1, quota - taken, -np.inf)
        taken[lacking.argmax()] += 1
    return taken
