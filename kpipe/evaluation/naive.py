"""The naive forecast: everything stays as it was last seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.evaluation.evidence import Evidence

if TYPE_CHECKING:
    import numpy as np

CHUNK = 4096


def places(evidence: Evidence) -> list[int] | None:
    """Where each forecast value stands among the input's features; None where one is not among them."""
    columns = list(evidence.signature.input.columns)
    names = evidence.names
    return [columns.index(name) for name in names] if set(names) <= set(columns) else None


def context(evidence: Evidence, indices: np.ndarray) -> np.ndarray | None:
    """What was seen of the forecast values (examples, time, num_values), where the input holds them."""
    found = places(evidence)
    return None if found is None else evidence.split.take(indices)[evidence.signature.input.name][:, :, found]


def naive(evidence: Evidence) -> np.ndarray | None:
    """The last values seen (examples, 1, num_values), where the input holds them."""
    import numpy as np

    parts = []
    for start in range(0, len(evidence), CHUNK):
        seen = context(evidence, np.arange(start, min(start + CHUNK, len(evidence))))
        if seen is None:
            return None
        parts.append(seen[:, -1:])
    return np.concatenate(parts)
