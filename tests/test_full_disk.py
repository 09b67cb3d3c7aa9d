"""A disk that is full, or may not be written: one clear error, and what was saved before goes on when there is room."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kpipe import finding
from kpipe.backend import installed
from kpipe.tracking.journal import Journal, read
from kpipe.training.loop.checkpoint import latest

PIPELINE = """\
name: small
data: {type: sklearn, dataset: iris, batch_size: 16}
model: {type: mlp, units: [8], dropout: 0.1}
train: {type: fit, epochs: 5000, restore_best: false}
evaluate: {plots: []}
checkpoint: {every_steps: 20}
"""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", *words]
    environment = {**os.environ, "KERAS_BACKEND": installed()[-1]}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=300)
    assert "Traceback" not in err
    assert "inside kpipe" not in err, "not called a bug"
    return process.returncode, " ".join(err.split())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MB, which can really be full."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", tmp_path], capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    return filler


@pytest.mark.slow
def test_a_run_whose_disk_is_full_keeps_what_it_saved_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    (small_disk / "p.yaml").write_text(PIPELINE)
    process = start(small_disk, "run", "p.yaml")
    assert process.stdout is not None
    for line in process.stdout:
        if "20/5000" in line:
            break
    filler = fill(small_disk)
    code, err = ended(process)
    run = finding.find(small_disk / "mlruns", "last")
    assert code == 1
    assert "No space left on device" in err
    assert f"kpipe run --resume {run.name}" in err
    assert err.count("error") == 1
    checkpoint = latest(run.checkpoints)
    assert checkpoint is not None
    saved = checkpoint.record["epoch"]
    assert saved >= 10
    assert run.status in ("FAILED", "KILLED")

    code, err = ended(start(small_disk, "run", "--resume", "last"))
    assert (code, "No space left on device" in err) == (1, True), "still full: the same error, nothing lost"
    filler.unlink()
    assert latest(run.checkpoints).record == checkpoint.record

    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for words in (["run", "--resume", "last"], ["run", "p.yaml"]):
        code, err = ended(start(small_disk, *words))
        assert (code in (1, 2), "Read-only file system" in err) == (True, True), err
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)

    resolved = run.folder / "resolved.yaml"
    resolved.write_text(resolved.read_text().replace("epochs: 5000", f"epochs: {saved + 30}"))
    code, err = ended(start(small_disk, "run", "--resume", "last"))
    assert (code, err) == (0, "")
    assert run.status == "FINISHED"
    epochs = [event.data["step"] for event in read(run.journal) if "val/loss" in event.data.get("values", {})]
    assert epochs == sorted(set(epochs)), "each epoch stands there once"
    assert len(epochs) == saved + 30


def test_a_store_that_is_no_folder_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PIPELINE)
    (tmp_path / "mlruns").write_text("no folder")
    code, err = ended(start(tmp_path, "run", "p.yaml"))
    assert code == 2
    assert "mlruns/runs: cannot be made: Not a directory" in err


def test_the_journal_has_a_line_whole_or_not_at_all(tmp_path: Path) -> None:
    """A real refusal of the system in the middle of a line: the file may not grow beyond the limit."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.tags({"before": "x" * 100})
    whole = path.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 50, limit[1]))
    try:
        with pytest.raises(OSError, match=rf"File too large: '{path}'"):
            journal.tags({"much": "y" * 1000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert path.read_bytes() == whole
    journal.tags({"after": "z"})
    journal.close()
    assert [event.data["values"] for event in read(path)] == [{"before": "x" * 100}, {"after": "z"}]
