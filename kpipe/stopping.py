"""Stopping: whatever ends a run or a search before its end says how to go on with it."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kpipe.errors import Interrupted, NotSaved

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
MAKE_ROOM = "make room, or let the folder be written (what was saved before is kept)"


@contextmanager
def saying_how_to_go_on(what: str, hint: str) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a full disk end a run, or a search, with what goes on with it, wherever it was."""

    asked: int = signal.SIGINT

    def stop(number: int, _frame: object) -> None:
        nonlocal asked
        asked = number
        raise KeyboardInterrupt  # an engine that catches every Exception while it starts does not catch this

    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if in_main_thread else None
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
        raise Interrupted(f"stopped {what}", hint, asked) from None
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, before)
