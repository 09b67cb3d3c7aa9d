"""The notebooks run from the first cell to the last, and hold no output."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def outputs(name: str, tmp_path: Path, long: str = "", short: str = "") -> list[dict[str, Any]]:
    """What the cells of a notebook give, with ``short`` for ``long``, in an empty folder with this Python's `kpipe`."""
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert long in text
    (tmp_path / "given.ipynb").write_text(text.replace(long, short) if long else text, encoding="utf-8")
    executed = tmp_path / "executed.ipynb"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "PATH": path}
    command = [sys.executable, "-c", RUN, str(tmp_path / "given.ipynb"), str(executed)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [output for cell in nbformat.read(executed, 4).cells for output in cell.get("outputs", ())]


def pictures(found: list[dict[str, Any]]) -> int:
    return sum("image/png" in output.get("data", {}) for output in found)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_holds_no_output(file: Path) -> None:
    for cell in nbformat.read(file, 4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
def test_pretraining_shows_that_it_helps_logistic_units(tmp_path: Path) -> None:
    found = outputs("pretraining", tmp_path, "range(5)", "range(2)")
    assert pictures(found)
    text = "".join(output.get("text", "") for output in found)
    means = dict(re.findall(r"^(\w+  [\w ,]+?)  [\d. ]+  ([\d.]+) ±", text, re.MULTILINE))
    assert float(means["sigmoid  pretrained"]) > float(means["sigmoid  from scratch"]) + 0.05, text
    assert float(means["tanh  pretrained"]) > 0.8, text


@pytest.mark.slow
def test_tuning_compares_the_searches_and_trains_the_winner_again(tmp_path: Path) -> None:
    found = outputs("tuning", tmp_path)
    assert pictures(found) == 3
    text = "".join(output.get("text", "") for output in found)
    won, again = re.search(r"the search: ([\d.]+)", text), re.search(r"^loss +([\d.]+)", text, re.MULTILINE)
    assert won, text
    assert again, text
    assert won[1] == again[1]
