"""Files that are whole or not there, and locks between processes that the death of their holder opens."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType


def write_atomic(path: Path, text: str) -> None:
    """Writes a UTF-8 file at once: a reader, or a crash in between, finds the old text or the new, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """A file, or a folder with all in it; nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def require_room(folder: Path, size: int) -> None:
    """Refuses to begin what a full disk would not let end. Raises: OSError: fewer than so many bytes are free."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def safe_name(text: str) -> str:
    """``text`` as the name of a file or folder: ``my exp/1 -> my-exp-1``; never empty, hidden, or a number alone."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:100]
    return name if name and not name.isdigit() else f"experiment-{name}".rstrip("-")


class Lock:
    """A lock that one process holds at a time; the system opens it when that process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handle: int | None = None

    def take(self, seconds: float = 0.0) -> bool:
        """Takes the lock, waiting up to ``seconds`` for it; False when somebody else has it still."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        until = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(handle)
                    return False
                time.sleep(0.02)
            else:
                self.handle = handle
                return True

    def taken(self) -> bool:
        """Somebody, perhaps this process, has it. Looking does not disturb others who look."""
        if self.handle is not None:
            return True
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def free(self) -> None:
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.free()
