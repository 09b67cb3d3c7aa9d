"""What workers share of a machine."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from kpipe.search import machine


def test_memory_is_shared_out() -> None:
    total = psutil.virtual_memory().total
    assert 0.85 * total < machine.memory_share(1) < total
    assert machine.memory_share(4) == pytest.approx(machine.memory_share(1) / 4, rel=1e-6)
    assert machine.cores() >= 1


def test_gpus_are_found_without_an_engine(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert machine.gpus({}, tmp_path) == ["0", "2", "10"]
    assert machine.gpus({"CUDA_VISIBLE_DEVICES": "3,GPU-5e"}, tmp_path) == ["3", "GPU-5e"]
    assert machine.gpus({"CUDA_VISIBLE_DEVICES": ""}, tmp_path) == []
    assert machine.gpus({"CUDA_VISIBLE_DEVICES": "-1"}, tmp_path) == []


@pytest.mark.parametrize(
    ("workers", "found", "expected"),
    [
        (2, [], [None, None]),
        (2, ["0", "1"], ["0", "1"]),
        (2, ["0", "1", "2"], ["0,2", "1"]),
        (3, ["0", "1"], ["0", "1", "0"]),
    ],
)
def test_each_worker_has_gpus_of_its_own_where_there_are_enough(
    workers: int, found: list[str], expected: list[str | None]
) -> None:
    shares = machine.gpu_shares(workers, found)
    assert [share.get("CUDA_VISIBLE_DEVICES") for share in shares] == expected
    sharing = bool(found) and workers > len(found)
    assert all(("TF_FORCE_GPU_ALLOW_GROWTH" in share) == sharing for share in shares)
