"""Every notebook holds no output, fits on few screens, and is run by a test of its own."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_holds_no_output(file: Path) -> None:
    for cell in nbformat.read(file, 4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_is_run_by_a_test_of_its_own(file: Path) -> None:
    name = file.stem.partition("_")[2]
    assert f'outputs("{file.stem}"' in (Path(__file__).with_name(f"test_{name}.py")).read_text(encoding="utf-8")
