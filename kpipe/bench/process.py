"""Process: a backend is measured in a process of its own, seen from outside."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from kpipe.backend import Backend
from kpipe.bench.measure import Task
from kpipe.bench.measurement import Failed, Measured, Row
from kpipe.pipeline import Pipeline
from kpipe.process import death, spawn

LIMIT_SECONDS = 600.0
END_SECONDS = 10.0
Hear = Callable[[Backend, str], None]
"""What is told while measuring: the backend, and what it does."""


def measure_in_process(
    pipeline: Pipeline, engine: Backend, steps: int, hear: Hear, limit: float = LIMIT_SECONDS
) -> Row:
    """What ``engine`` takes for some steps; ``Failed`` whatever goes wrong there."""
    with tempfile.TemporaryDirectory(prefix="kpipe-bench-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log.txt"
        # JAX compiles into an empty folder, as in the first run: what was kept of an earlier bench would flatter it
        environment = {"JAX_COMPILATION_CACHE_DIR": str(Path(folder) / "jax")}
        spawned = time.monotonic()
        process = spawn("kpipe.bench", log=log, environment=environment)
        task = Task(
            pipeline=pipeline.model_dump(mode="json", exclude={"tune", "backend"}),
            backend=engine,
            steps=steps,
            folder=folder,
            spawned=spawned,
        )
        return listen(process, task, hear, limit, log)


def listen(process: subprocess.Popen[str], task: Task, hear: Hear, limit: float, log: Path) -> Row:
    """Hears a process to its end; it does not outlive this function."""
    assert process.stdin is not None
    assert process.stdout is not None
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    watchdog = threading.Timer(limit, end)
    watchdog.daemon = True
    watchdog.start()
    reason = ""
    try:
        with suppress(BrokenPipeError):  # it died at once, and says below how
            process.stdin.write(task.model_dump_json() + "\n")
            process.stdin.flush()
        for line in process.stdout:
            event = json.loads(line) if line.endswith("\n") else {}
            if "measured" in event:
                return Measured.model_validate_json(json.dumps(event["measured"]))
            reason = event.get("failed", reason)
            if "doing" in event:
                hear(task.backend, event["doing"])
        with suppress(subprocess.TimeoutExpired):  # it says no more, and is about to end: let it say how
            process.wait(END_SECONDS)
    finally:
        watchdog.cancel()
        process.kill()
        code = process.wait()
        with suppress(OSError):
            process.stdin.close()
        process.stdout.close()
    if late.is_set():
        reason = f"not measured within {limit:.0f} s; with fewer steps perhaps: kpipe bench FILE --steps 5"
    told = bool(reason) and not late.is_set()
    return Failed(backend=task.backend, when=datetime.now(UTC), reason=reason or last_words(code, log), told=told)


def last_words(code: int, log: Path) -> str:
    """How a process ended that said nothing, with the last that it printed."""
    how = death(code) + (", perhaps for want of memory" if code == -9 else "")
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f"{how}: {lines[-1][:200]}" if lines else how
