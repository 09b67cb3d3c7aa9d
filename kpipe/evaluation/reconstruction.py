"""How far a reconstruction is from its input, in a unit that does not depend on the input's."""

from __future__ import annotations

from kpipe.evaluation.evidence import Evidence


def lost(evidence: Evidence) -> float:
    """The share of the inputs' variance that is lost: the mean of (output - input)^2 over the variance on train.

    The variance is each feature's or channel's own; one that was constant on train is taken as it is.
    """
    import numpy as np

    variance = np.array(evidence.signature.target.variance or (1.0,))
    error = (np.asarray(evidence.outputs, "float64") - evidence.targets) ** 2
    return float((error / np.where(variance > 0, variance, 1.0)).mean())
