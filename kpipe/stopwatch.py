"""Stopwatch: where the seconds of a run go."""

from __future__ import annotations

import time


class Stopwatch:
    """Counts the seconds of each part of a run, one after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.perf_counter()

    def lap(self, part: str) -> None:
        """What has passed since the last lap was spent on ``part``."""
        now = time.perf_counter()
        self.seconds[part] = round(self.seconds.get(part, 0.0) + now - self.last, 3)
        self.last = now
