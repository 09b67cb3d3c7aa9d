"""Exported: a file that computes, in the place of a model; what it is tried on, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kpipe.export.format import Compute, Inputs
from kpipe.signature import Signature
from kpipe.tokenization.special import PADDING

if TYPE_CHECKING:
    import numpy as np

    from kpipe.examples import Examples

SECONDS = 0.5
CALLS = 50
"""A call is timed so often, or for so long, whatever ends first."""


@dataclass(frozen=True)
class Exported:
    """Stands for a Keras model where one is evaluated."""

    compute: Compute
    signature: Signature
    lengths: Mapping[str, int]
    """to which sequences are padded, by input; empty where the file takes any"""
    one_by_one: bool
    compiled = True
    """it is not for the evaluation to say how it computes"""

    def predict_on_batch(self, inputs: Any) -> np.ndarray:
        import numpy as np

        names = [feature.name for feature in self.signature.inputs]
        given = {name: inputs[name] if isinstance(inputs, Mapping) else inputs for name in names}
        padded = {name: pad(array, self.lengths.get(name)) for name, array in given.items()}
        if self.one_by_one:
            examples = range(len(given[names[0]]))
            outputs = np.concatenate([self.compute(example(padded, place)) for place in examples])
        else:
            outputs = self.compute(padded)
        return outputs[:, : given[names[-1]].shape[1]] if self.signature.target.is_per_step else outputs


def example(inputs: Inputs, place: int) -> Inputs:
    """One example, as a batch."""
    return {name: array[place : place + 1] for name, array in inputs.items()}


def pad(array: np.ndarray, length: int | None) -> np.ndarray:
    """Sequences (batch, time) at the length given."""
    import numpy as np

    if length is None or array.shape[1] == length:
        return array
    return np.pad(array, ((0, 0), (0, length - array.shape[1])), constant_values=PADDING)


def first_batch(split: Examples, signature: Signature, size: int) -> dict[str, np.ndarray]:
    """The first batch of a split, as it is evaluated."""
    batch = split.take(split.groups[0][:size])
    return {feature.name: batch[feature.name] for feature in signature.inputs}


def lengths_of(split: Examples, signature: Signature) -> dict[str, int]:
    """What sequences of tokens are padded to in the longest batch of a split, by input."""
    batch = split.take(split.groups[-1][:1])
    return {feature.name: batch[feature.name].shape[1] for feature in signature.inputs if feature.kind == "tokens"}


def milliseconds(compute: Callable[[Any], Any], inputs: Any) -> float:
    """The fastest of several calls: what others do on the machine makes a call slower, never faster."""
    compute(inputs)
    best, begin = float("inf"), time.perf_counter()
    for _ in range(CALLS):
        before = time.perf_counter()
        compute(inputs)
        best = min(best, time.perf_counter() - before)
        if time.perf_counter() - begin > SECONDS:
            break
    return best * 1000
