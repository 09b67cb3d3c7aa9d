"""`devices` in a pipeline: what is refused, what `kpipe show` says, and whole runs on two devices of the CPU."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from kpipe import devices, finding
from kpipe.errors import SpecError, WrongInput
from kpipe.pipeline import Pipeline
from kpipe.search.story import tune
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.tracking.journal import read

SMALL = """\
name: small
devices: 2
data: {type: sklearn, dataset: digits, batch_size: 32}
model: {type: cnn, filters: [4, 8], dropout: 0.1}
train: {type: fit, epochs: EPOCHS, optimizer: {AdamW: {learning_rate: 0.01}}}
"""
WRITTEN = {
    "name": "small",
    "data": {"type": "sklearn", "dataset": "digits", "batch_size": 32},
    "model": {"type": "cnn"},
    "train": {"type": "fit"},
}


def start(folder: Path, *words: str, epochs: int = 2) -> subprocess.Popen[str]:
    (folder / "p.yaml").write_text(SMALL.replace("EPOCHS", str(epochs)))
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def test_a_batch_that_cannot_be_shared_is_refused_with_the_nearest_that_can() -> None:
    with pytest.raises(SpecError) as caught:
        checked(Pipeline, document_of({**WRITTEN, "devices": 5}))
    assert "data.batch_size: 32 examples cannot be shared evenly among 5 devices" in str(caught.value)
    assert "the nearest that can: 30 or 35" in str(caught.value)
    assert devices.uneven(3, 4) == ("3 examples cannot be shared evenly among 4 devices", "the nearest that can: 4")
    assert checked(Pipeline, document_of({**WRITTEN, "devices": "all"})).devices == "all"


@pytest.mark.parametrize("wrong", [0, "two", 1.5])
def test_devices_are_a_number_or_all(wrong: object) -> None:
    with pytest.raises(SpecError, match="devices"):
        checked(Pipeline, document_of({**WRITTEN, "devices": wrong}))


def test_a_search_refuses_several_devices(tmp_path: Path) -> None:
    space = {"type": "random", "max_trials": 1, "space": {"model.dropout": {"choices": [0.0, 0.2]}}}
    pipeline = checked(Pipeline, document_of({**WRITTEN, "devices": 2, "tune": space}))
    with pytest.raises(WrongInput, match="a search gives each of its trials one device"):
        tune(pipeline, root=tmp_path)
    assert not list(tmp_path.iterdir())


def test_more_devices_than_there_are_is_refused(backend: str) -> None:
    """This process computes already, on one device."""
    if backend == "torch":  # on a CPU it has a process for each
        assert devices.number(backend, 4, 32) == 4
        with pytest.raises(WrongInput, match="devices: 1000 would be so many processes"):
            devices.number(backend, 1000, 1000)
        return
    with pytest.raises(WrongInput, match="4 are asked for, but 1 of kind cpu is there") as caught:
        devices.number(backend, 4, 32)
    assert "start a new Python" in caught.value.hint


def test_show_says_how_many(backend: str, tmp_path: Path) -> None:
    code, out, err = finish(start(tmp_path, "show", "p.yaml"))
    assert (code, err) == (0, "")
    assert f"backend: {backend}, cpu, 2 devices, float32" in " ".join(out.split())


def test_a_run_on_two_devices_is_recorded_and_leaves_nobody_behind(backend: str, tmp_path: Path) -> None:
    code, out, err = finish(start(tmp_path, "run", "p.yaml"))
    assert code == 0
    if backend != "tensorflow":  # whose own log says, now and then, that an iterator of several devices was let go
        assert err == ""
    assert f"{backend}, cpu, 2 devices" in out
    assert "epoch 2/2" in out
    done = finding.find(tmp_path / "mlruns", "last")
    params = next(event.data for event in read(done.journal) if event.kind == "params")
    assert params["values"]["devices"] == "2"
    assert others(tmp_path) == []


def test_a_process_that_dies_ends_the_run_and_ctrl_c_ends_all(backend: str, tmp_path: Path) -> None:
    if backend != "torch":
        pytest.skip("only PyTorch's devices are processes")
    process = start(tmp_path, "run", "p.yaml", epochs=500)
    read_to(process, "epoch   1/500")
    (other,) = others(tmp_path)
    other.kill()
    code, _, err = finish(process)
    assert code == 1
    assert "process 2 of those that train together was killed by signal 9" in err
    assert "Traceback" not in err
    done = finding.find(tmp_path / "mlruns", "last")
    assert done.status == "FAILED"
    process = start(tmp_path, "run", "--resume", done.name, epochs=500)
    read_to(process, "epoch   2/500")
    os.kill(process.pid, signal.SIGINT)
    code, _, err = finish(process)
    assert code == 128 + signal.SIGINT
    assert f"kpipe run --resume {done.name}" in err
    assert others(tmp_path) == []


def read_to(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    assert any(words in line for line in process.stdout)


def others(folder: Path) -> list[psutil.Process]:
    """The further processes that train in a folder."""
    found = [process for process in psutil.process_iter(["cmdline"]) if "kpipe.rank" in (process.info["cmdline"] or ())]
    return [process for process in found if process.cwd() == str(folder)]
