"""The notebooks run from the first cell to the last, and hold no output."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
RUN = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_holds_no_output(file: Path) -> None:
    for cell in nbformat.read(file, 4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
def test_pretraining_shows_that_it_helps_logistic_units(tmp_path: Path) -> None:
    executed = tmp_path / "executed.ipynb"
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", RUN, str(FOLDER / "pretraining.ipynb"), str(executed)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outputs = [output for cell in nbformat.read(executed, 4).cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    text = "".join(output.get("text", "") for output in outputs)
    means = dict(re.findall(r"^(\w+  [\w ,]+?)  [\d. ]+  ([\d.]+) ±", text, re.MULTILINE))
    assert float(means["sigmoid  pretrained"]) > float(means["sigmoid  from scratch"]) + 0.05, text
    assert float(means["tanh  pretrained"]) > 0.8, text
