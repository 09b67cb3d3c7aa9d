"""Stopping: whatever ends a run or a search before its end says how to go on with it."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from kpipe.errors import Interrupted, NotSaved

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
MAKE_ROOM = "make room, or let the folder be written (what was saved before is kept)"


class Asked:
    """Handles a signal: notes it, and interrupts. Python passes over what is raised in a destructor or a callback, so
    who comes later looks whether it was asked to stop."""

    def __init__(self) -> None:
        self.received: int | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.received = number
        raise KeyboardInterrupt  # an engine that catches every Exception while it starts does not catch this


@contextmanager
def saying_how_to_go_on(what: str, hint: str) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a full disk end a run, or a search, with what goes on with it, wherever it was."""
    asked, before = Asked(), {}
    if threading.current_thread() is threading.main_thread():
        heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, asked) for number in heard}
    try:
        yield
    except Interrupted as interrupted:
        interrupted.hint = hint
        raise
    except NotSaved as error:
        error.hint = f"{MAKE_ROOM}; {hint}"
        raise
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        message = f"{error.filename or what}: cannot be written: {error.strerror or error}"
        raise NotSaved(message, f"{MAKE_ROOM}; {hint}") from error
    except KeyboardInterrupt:
        raise Interrupted(f"stopped {what}", hint, asked.received or signal.SIGINT) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
