"""Random search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from kpipe.tuning.search import Search
from kpipe.tuning.space import Axis

if TYPE_CHECKING:
    from kpipe.tuning.oracle import Oracle


class Random(Search):
    """Draws each trial by chance, never the same one twice.

    Raises: Nothing.
    Example:
        tune:
          type: random
          objective: val_accuracy
          max_trials: 20
          space:
            model.dropout: {min: 0.0, max: 0.5}
    Reference: J. Bergstra, Y. Bengio, 2012, Random search for hyper-parameter optimization.
    """

    type: Literal["random"] = "random"

    def oracle(self, axes: Sequence[Axis], epochs: int, seed: int) -> Oracle:  # noqa: ARG002
        from kpipe.tuning.kept import KeptRandom
        from kpipe.tuning.oracle import make

        return make(KeptRandom, axes, self.best, seed, self.max_trials)
