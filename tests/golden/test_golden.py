"""The messages for broken files, letter by letter. ``KPIPE_UPDATE_GOLDEN=1 pytest tests/golden`` writes them anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kpipe.errors import SpecError
from kpipe.pipeline import Pipeline
from kpipe.spec.check import checked
from kpipe.spec.document import read

HERE = Path(__file__).parent
BROKEN = sorted(HERE.glob("broken/*.yaml"))
UPDATE = os.environ.get("KPIPE_UPDATE_GOLDEN") == "1"


def overrides(file: Path) -> list[str]:
    """What stands behind ``--set`` in the first line."""
    first = file.read_bytes().split(b"\n", 1)[0]
    return [part.strip().decode() for part in first.split(b"--set ")[1:]] if first.startswith(b"# --set") else []


def messages(file: Path) -> str:
    with pytest.raises(SpecError) as raised:
        checked(Pipeline, read(file.relative_to(HERE), overrides(file)))
    return str(raised.value).replace(str(HERE), "HERE") + "\n"


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_message(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    found = messages(file)
    golden = file.with_suffix(".txt")
    if UPDATE:
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_message_speaks_of_the_pipeline_only(file: Path) -> None:
    text = file.with_suffix(".txt").read_text(encoding="utf-8")
    messages = "\n".join(line for line in text.splitlines() if " | " not in line[:8])
    for word in ("pydantic", "http", "Input should be", "Traceback", "Value error", "dict", "tuple", "NoneType"):
        assert word not in messages
    assert "error" in text


def test_there_are_enough() -> None:
    assert len(BROKEN) >= 30
    assert {file.stem for file in HERE.glob("broken/*.txt")} == {file.stem for file in BROKEN}


def test_check_refuses_all_of_them_without_a_traceback() -> None:
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", "check", *map(str, BROKEN)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=HERE)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stdout.count("  ok  ") == sum(bool(overrides(file)) for file in BROKEN)
