"""Writing: checkpoints brought to the disk by a thread, one at a time, while training goes on."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor

from kpipe.training.loop.checkpoint import Checkpoint, Checkpoints

BYTES_A_SECOND = 2.5e8
"""What is assumed of the first checkpoint, before one was timed."""
OPENING_SECONDS = 0.01


class Writer:
    """Takes checkpoints whose arrays nobody changes any more; at most one is on its way."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self.checkpoints = checkpoints
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")  # Python waits for it before it ends
        self.pending: Future[float] | None = None
        self.seconds: float | None = None
        """of a processor that the last one took"""

    @property
    def busy(self) -> bool:
        """One is on its way. Raises: NotSaved: it could not be written."""
        if self.pending is not None and self.pending.done():
            self.wait()
        return self.pending is not None

    def begin(self, checkpoint: Checkpoint) -> None:
        """Hands one over, when the one before is whole. Raises: NotSaved: that one could not be written."""
        self.wait()
        self.pending = self.thread.submit(self._write, checkpoint)

    def wait(self) -> None:
        """Until all is on the disk. Raises: NotSaved: it could not be written."""
        pending, self.pending = self.pending, None
        if pending is not None:
            self.seconds = pending.result()

    def close(self) -> None:
        """Ends the thread, when what it is at is whole; says nothing of an error that `wait` was not asked for."""
        self.thread.shutdown()

    def cost(self, size: int) -> float:
        """Seconds of a processor that one of so many bytes will take."""
        return self.seconds if self.seconds is not None else OPENING_SECONDS + size / BYTES_A_SECOND

    def _write(self, checkpoint: Checkpoint) -> float:
        began = time.thread_time()
        self.checkpoints.save(checkpoint)
        return time.thread_time() - began
