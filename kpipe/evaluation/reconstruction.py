"""How far a reconstruction is from its input, in a unit that does not depend on the input's."""

from __future__ import annotations

from kpipe.evaluation.evidence import Evidence


def lost(evidence: Evidence) -> float:
    """The share of the inputs' variance that is lost: the mean of (output - input)^2 over the variance on train.

    The variance is each feature's or channel's own; one that was constant on train is taken as it is.
    """
    import numpy as np

    from kpipe.evaluation.forward import parts

    variance = np.array(evidence.signature.target.variance or (1.0,))
    variance = np.where(variance > 0, variance, 1.0)
    outputs, targets = evidence.outputs, evidence.targets
    error = [((outputs[some].astype("float64") - targets[some]) ** 2 / variance).sum() for some in parts(outputs)]
    return float(sum(error) / outputs.size)


def mean_error(evidence: Evidence) -> float:
    """The mean distance of a reconstructed number from the true one."""
    import numpy as np

    from kpipe.evaluation.forward import parts

    outputs, targets = evidence.outputs, evidence.targets
    error = [np.abs(targets[some] - outputs[some]).sum(dtype="float64") for some in parts(outputs)]
    return float(sum(error) / outputs.size)
