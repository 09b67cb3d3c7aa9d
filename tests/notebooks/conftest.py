"""Runs a notebook as its reader would, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
RUN = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=900, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


@dataclass(frozen=True)
class Outputs:
    """What the cells of a notebook gave."""

    found: tuple[dict[str, Any], ...]

    @property
    def pictures(self) -> int:
        return sum("image/png" in output.get("data", {}) for output in self.found)

    @property
    def text(self) -> str:
        """What was printed, and what the last line of a cell was worth."""
        return "".join(
            output.get("text") or output.get("data", {}).get("text/plain", "") + "\n" for output in self.found
        )


@pytest.fixture
def outputs(tmp_path: Path) -> Callable[..., Outputs]:
    """Executes ``notebooks/NAME.ipynb``, with ``short`` for ``long``, in an empty folder with this Python's `kpipe`."""

    def of(name: str, long: str = "", short: str = "") -> Outputs:
        text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
        assert long in text
        (tmp_path / "given.ipynb").write_text(text.replace(long, short) if long else text, encoding="utf-8")
        executed = tmp_path / "executed.ipynb"
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "PATH": path}
        command = [sys.executable, "-c", RUN, str(tmp_path / "given.ipynb"), str(executed)]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return Outputs(tuple(output for cell in nbformat.read(executed, 4).cells for output in cell.get("outputs", ())))

    return of
