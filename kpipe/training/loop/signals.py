"""Signals: Ctrl-C and SIGTERM ask, and are answered when a step has ended."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from kpipe.stopping import Asked

ASKING = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """While entered, the first signal is only noted in ``received``; a second does what it did before.

    One that came before, and interrupted nothing, is noted too. Python hands signals to the main thread alone, so
    elsewhere nothing is changed.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self.before = {number: signal.signal(number, self.note) for number in ASKING}
            lost = [one.received for one in self.before.values() if isinstance(one, Asked) and one.received]
            self.received = next(iter(lost), None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.before.items():
            # a handler that was not set from Python cannot be put back, only the default can
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self.before = {}

    def note(self, number: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received = number
            return
        self.__exit__(None, None, None)
        signal.raise_signal(number)
