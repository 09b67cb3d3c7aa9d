"""The comparison with other tools: what it counts, and that what it runs without an environment of its own does run."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "others"


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("compare", FOLDER / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "compare", module)
    spec.loader.exec_module(module)
    return module


def test_lines_are_counted_without_comments_and_empty_ones(compare: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# why\n\na: 1\n  # more\nb: 2  # said\n")
    (tmp_path / "b.py").write_text("import a\n")
    assert compare.lines_to_write([tmp_path / "a.yaml", tmp_path / "b.py"]) == 3


def test_every_tool_has_its_files_its_field_and_pinned_versions(compare: ModuleType) -> None:
    assert set(compare.TOOLS) == {file.parent.name for file in FOLDER.glob("*/requirements.txt")}
    for key, tool in compare.TOOLS.items():
        texts = [(FOLDER / key / name).read_text() for name in (*tool.written, *tool.others)]
        assert any(re.search(rf"\b{tool.typo}\b", text) for text in texts)
        wanted = (FOLDER / key / "requirements.txt").read_text().split("\n")[:-1]
        assert wanted[0].startswith("--constraint") or all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in wanted)


def test_a_typo_is_put_into_the_file_and_its_answer_read(compare: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "cnn_gap.yaml"
    file.write_text((FOLDER.parents[1] / "pipelines" / "cnn_gap.yaml").read_text())
    before = file.read_text()
    cost, told = compare.misspelt(compare.TOOLS["kpipe"], tmp_path, Path(sys.prefix))
    assert cost.startswith("4 (")
    assert "train.epoch: no such field" in told
    assert file.read_text() == before


def test_a_command_that_fails_is_told_with_its_last_line(compare: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(compare.Broken, match="false news: no"):
        compare.shortest("echo 'false news: no'; exit 3", tmp_path, Path(sys.prefix), 1)


def test_plain_keras_trains_on_the_rows_of_kpipe(compare: ModuleType, tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(FOLDER / "data.py"), str(tmp_path)], check=True)
    with (tmp_path / "digits.csv").open() as rows:
        assert sorted(line.split(",")[2].strip() for line in rows) == [*"0" * 1257, *"1" * 180, *"2" * 360, "split"]
    script = (FOLDER / "plain_keras" / "digits.py").read_text()
    (tmp_path / "digits.py").write_text(script.replace("EPOCHS, BATCH_SIZE = 15", "EPOCHS, BATCH_SIZE = 1"))
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, "digits.py"]
    answer = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert answer.stdout.count("20/20 - ") == 1
    assert re.search(compare.TOOLS["plain_keras"].accuracy, answer.stdout, re.MULTILINE)
