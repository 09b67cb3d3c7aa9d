"""A backend's own process: what goes wrong there is a reason, never the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kpipe.bench.measure import peak_memory
from kpipe.bench.measurement import Failed, Row
from kpipe.bench.process import measure_in_process
from kpipe.pipeline import Pipeline

Make = Callable[..., Pipeline]


def of_a_torch(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline, **limit: float
) -> Row:
    """Measures where PyTorch is another package, which does this when it is imported."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(written)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    return measure_in_process(pipeline, "torch", 5, lambda *_: None, **limit)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (
            "raise ImportError('libcudart.so.99: cannot open shared object file')",
            "ImportError: libcudart.so.99: cannot",
        ),
        ("import os; os.kill(os.getpid(), 9)", "was killed by signal 9, perhaps for want of memory"),
        ("import os; os._exit(3)", "ended with exit code 3"),
        ("raise MemoryError", "MemoryError: "),
    ],
    ids=["import", "killed", "exit", "memory"],
)
def test_a_backend_that_breaks_is_a_reason(
    written: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipeline: Make
) -> None:
    row = of_a_torch(written, tmp_path, monkeypatch, pipeline())
    assert isinstance(row, Failed)
    assert row.backend == "torch"
    assert row.reason.startswith(reason)
    assert row.told == (": " in reason)


def test_a_backend_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipeline: Make
) -> None:
    row = of_a_torch("import time; time.sleep(60)", tmp_path, monkeypatch, pipeline(), limit=0.5)
    assert isinstance(row, Failed)
    assert row.reason.startswith("not measured within 0 s")
    assert not row.told


def test_peak_memory_is_that_of_this_program(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmPeak:\t  900 kB\nVmHWM:\t  512 kB\nVmRSS:\t 100 kB\n")
    assert peak_memory(status) == 512 * 1024
    assert peak_memory(tmp_path / "absent") > 1_000_000
