"""Subset: some of a split's examples, as if there were no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kpipe.backend import derive
from kpipe.examples import Examples
from kpipe.signature import Target

CHUNK = 8192


@dataclass(frozen=True)
class Subset:
    """The examples of ``split`` at ``indices``."""

    split: Examples
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    @cached_property
    def groups(self) -> tuple[np.ndarray, ...]:
        found = (np.flatnonzero(np.isin(self.indices, group)) for group in self.split.groups)
        return tuple(group for group in found if len(group))

    def take(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        """-1 stays -1: an example that is not there."""
        return self.split.take(np.where(indices < 0, -1, self.indices[indices]))


def some(split: Examples, count: int, target: Target, seed: int) -> Subset:
    """``count`` examples drawn by the seed, the same in every stage; of each class its share, rounded.

    All of them where there are no more than ``count``.
    """
    drawn = np.random.default_rng(derive(seed, "examples")).permutation(len(split))
    if target.task == "classes":
        drawn = drawn[turns(classes(split, target.name)[drawn])]
    return Subset(split, np.sort(drawn[:count]))


def turns(found: np.ndarray) -> np.ndarray:
    """An order in which every beginning holds each class in its share: an example stands where its class, spread
    evenly over the whole, would have it."""
    order = np.argsort(found, kind="stable")
    sizes = np.bincount(found)
    rank = np.empty(len(found))
    rank[order] = np.arange(len(found)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.argsort((rank + 0.5) / sizes[found], kind="stable")


def classes(split: Examples, name: str) -> np.ndarray:
    """The class of each example (examples,)."""
    starts = range(0, len(split), CHUNK)
    return np.concatenate([split.take(np.arange(at, min(at + CHUNK, len(split))))[name] for at in starts])
