"""Onlooker: who looks on while a search goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kpipe.search.trial import Trial


class Onlooker(Protocol):
    """Somebody who looks on while a search goes on: the table in the terminal."""

    def on_restore(self, trials: Sequence[Trial], best: Trial | None) -> None:
        """The search goes on; these have ended before."""

    def on_begin(self, trial: Trial) -> None:
        """A trial begins, or goes on after its worker died."""

    def on_epoch(self, trial: Trial, epoch: int, value: float | None) -> None:
        """An epoch has ended; ``value`` is what the objective's curve says."""

    def on_end(self, trial: Trial, best: Trial | None) -> None:
        """A trial has ended."""

    def on_wait(self) -> None:
        """Time goes by."""
