"""Rows: which examples are in which split, as code; ``x`` and ``y`` are the arrays' names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kpipe.data.split_rule import SplitName
from kpipe.eject.section import Section, cannot
from kpipe.eject.words import assigned
from kpipe.tokenization.special import IGNORED

if TYPE_CHECKING:
    import numpy as np

    from kpipe.data.splits import Splits

BOTH: tuple[SplitName, ...] = ("validation", "test")
"""What is cut off train where it is not given."""

MOST_BYTES = 2**28
"""What a script may hold in memory, and for their variance for a moment eight times as much."""

STRATIFIED = '''
def first_of_each_class(rows, counts):
    """So many rows of each class, in their order, and the rows that are left."""
    chosen = np.zeros(len(rows), bool)
    for label, count in enumerate(counts):
        chosen[np.flatnonzero(labels[rows] == label)[:count]] = True
    return np.sort(rows[chosen]), rows[~chosen]


'''

DRAWN = 'rows = np.random.default_rng(seed_of("split")).permutation({pool})'


def cut(splits: Splits, stratified: bool, pool: str, lacking: Sequence[SplitName] = BOTH) -> Section:
    """The rows ``train``, and of the splits that are ``lacking``, drawn from ``pool``: some rows, or their number."""
    drawn = DRAWN.format(pool=pool)
    order = [name for name in ("test", "validation") if name in lacking]
    target = splits.signature.target
    if stratified and target.task == "classes":
        counts = {name: counts_of(y_of(splits, name), target.size).tolist() for name in lacking}
        lines = [drawn, *(f"{name}, rows = first_of_each_class(rows, {name.upper()}_OF_EACH_CLASS)" for name in order)]
        constants = [assigned(f"{name.upper()}_OF_EACH_CLASS", each) for name, each in counts.items()]
        return Section(STRATIFIED + "\n".join([*lines, "train = np.sort(rows)"]), (), tuple(constants))
    named, counted = ", ".join(map(str.upper, lacking)), ", ".join(str(len(splits.named(name))) for name in lacking)
    lines, taken = [drawn], ""
    for name in order:
        until = f"{taken} + {name.upper()}" if taken else name.upper()
        lines.append(f"{name} = np.sort(rows[{f'{taken} : ' if taken else ':'}{until}])")
        taken = until
    spaced = " " if " " in taken else ""
    lines.append(f"train = np.sort(rows[{taken}{spaced}:])")
    return Section("\n".join(lines), (), (f"{named} = {counted}  # examples; the others are for training",))


def taken(x: str, y: str, parts: Sequence[SplitName] = ("train", *BOTH)) -> str:
    """The arrays of each split, by its rows."""
    return "\n".join(f"x_{name}, y_{name} = {x}[{name}], {y}[{name}]" for name in parts)


def require_room(splits: Splits) -> None:
    """Raises: WrongInput: more examples than a script should hold in memory."""
    feature = splits.signature.input
    numbers = sum(len(split) for _, split in splits) * math.prod(feature.sides)
    size = numbers * (1 if feature.dtype == "uint8" else 4)
    if size > MOST_BYTES:
        raise cannot(f"data: {size / 1e6:,.0f} MB of examples", f"make them smaller: up to {MOST_BYTES / 1e6:,.0f} MB")


def require_each_class(splits: Splits) -> None:
    """Metrics of each class are written for classes that test has. Raises: WrongInput."""
    target = splits.signature.target
    if target.task == "labels" and not all(0 < share < 1 for share in y_of(splits, "test").mean(axis=0)):
        raise cannot("a test split where a label is the same everywhere", "make `data.split.test` larger")
    if target.task in ("classes", "tags") and 0 in counts_of(y_of(splits, "test"), target.size):
        raise cannot("a test split without an example of each class", "make `data.split.test` larger")


def y_of(splits: Splits, part: SplitName) -> np.ndarray:
    import numpy as np

    split = splits.named(part)
    found = np.asarray(split.take(np.arange(len(split)))[splits.signature.target.name])
    return found[found != IGNORED] if splits.signature.target.is_per_step else found


def counts_of(labels: np.ndarray, classes: int) -> np.ndarray:
    import numpy as np

    return np.bincount(labels, minlength=classes)
