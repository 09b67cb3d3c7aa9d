"""ReconstructionError: what of the inputs' variance a reconstruction loses."""

from __future__ import annotations

from typing import ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task


class ReconstructionError(Metric):
    """The share of the inputs' variance that the reconstruction loses: 0 is perfect, 1 as good as their mean.

    mean (output - input)^2 / variance on train, of each feature or channel, over all numbers of all examples; it is
    the loss that training minimises, without penalties and of undamaged inputs. `mae` and `rmse` give the error in
    the inputs' own unit.

    Shapes: (examples, ...) -> ``reconstruction_error``

    Raises: Nothing.

    Example:
        evaluate: {metrics: [reconstruction_error]}

    Reference: K. Pearson, 1901, On lines and planes of closest fit to systems of points in space.
    """

    type: Literal["reconstruction_error"] = "reconstruction_error"
    tasks: ClassVar[frozenset[Task]] = frozenset({"reconstruction"})

    def compute(self, evidence: Evidence) -> dict[str, float]:
        from kpipe.evaluation.reconstruction import lost

        return {"reconstruction_error": lost(evidence)}
