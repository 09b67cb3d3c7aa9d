"""Timer: a Watcher that looks at the clock while a stage is trained, and what its looks say."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kpipe.bench.measurement import StageTimes
from kpipe.training.method import Epoch, Logs

ENOUGH_SECONDS = 2.0
"""Of training, after the first epoch."""
MOST_SECONDS = 6.0
"""After the first epoch, validation among them: the last epoch begins before."""


class Enough(Exception):
    """More epochs would say nothing new."""


@dataclass
class Part:
    """What was seen of a stage, or of a part of it. A look is (step, time): there the trainer has waited for the
    engine, so that all steps up to it are done."""

    name: str
    began: float
    steps: int
    epochs: list[list[tuple[int, float]]] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)

    @property
    def measured(self) -> range:
        """The epochs that are measured: all but the first, in which everything is compiled."""
        return range(1, len(self.ends))

    def intervals(self) -> list[tuple[int, float]]:
        """Between looks in the measured epochs: how many steps, in how many seconds."""
        found = []
        for epoch in self.measured:
            looks = self.epochs[epoch]
            if len(looks) == 1:  # so short an epoch that nobody looked before its end
                looks = [(0, self.ends[epoch - 1]), *looks]
            found += [(step - at, now - before) for (at, before), (step, now) in pairwise(looks)]
        return found

    def times(self, index: int, steps: int, mixed: bool) -> StageTimes:
        """``steps`` are those of a whole epoch; ``mixed``: batches have several shapes, and each takes its own time."""
        intervals = self.intervals()
        rates = [(seconds / count, count) for count, seconds in intervals]
        total = sum(count for count, _ in intervals)
        mean = sum(seconds for _, seconds in intervals) / total
        step = mean if mixed else quantile(rates, 0.5)
        validation = statistics.median(self.ends[epoch] - self.epochs[epoch][-1][1] for epoch in self.measured)
        whole = statistics.median(self.ends[epoch] - self.ends[epoch - 1] for epoch in self.measured)
        around = max(validation, whole - self.steps * step)
        first = self.ends[0] - self.began
        return StageTimes(
            index=index,
            name=self.name,
            steps=steps,
            first_step=self.epochs[0][0][1] - self.began,
            compiling=max(0.0, first - self.steps * step - around),
            step=step,
            quick=min(step, quantile(rates, 0.25)),
            slow=max(step, quantile(rates, 0.75)),
            validation=validation,
            around=around,
        )


def quantile(rates: Sequence[tuple[float, int]], share: float) -> float:
    """The value that ``share`` of the weight does not exceed; ``rates`` are (value, weight)."""
    left = share * sum(weight for _, weight in rates)
    for value, weight in sorted(rates):
        left -= weight
        if left <= 0:
            return value
    return max(rates)[0]


class Timer:
    """Gathers the parts of one stage; ``began`` is when the stage did, ``tell`` hears what is being done.

    ``stoppable``: the stage is one whole, and is left (by ``Enough``) once it was seen for long enough.
    """

    def __init__(
        self,
        began: float,
        stoppable: bool,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.began, self.stoppable, self.tell, self.clock = began, stoppable, tell, clock
        self.parts: list[Part] = []

    def on_stage(self, stage: str, epochs: int, steps: int) -> None:  # noqa: ARG002
        self.parts.append(Part(stage, self.began, steps))
        self.tell(f"{stage}: compiling")

    def on_resume(self, rows: Sequence[Epoch]) -> None:
        pass

    def on_step(self, epoch: int, step: int, logs: Logs) -> None:  # noqa: ARG002
        part = self.parts[-1]
        if epoch > len(part.epochs):
            part.epochs.append([])
        part.epochs[-1].append((step, self.clock()))
        if epoch == step == 1:
            self.tell(f"{part.name}: training")

    def on_epoch(self, row: Epoch) -> None:  # noqa: ARG002
        part, self.began = self.parts[-1], self.clock()
        part.ends.append(self.began)
        if self.stoppable and part.measured:
            trained = sum(seconds for _, seconds in part.intervals())
            if trained >= ENOUGH_SECONDS or self.began - part.ends[0] >= MOST_SECONDS:
                raise Enough
