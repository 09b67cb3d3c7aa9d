"""Runs as they lie on disk, made without training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kpipe import groups, runs
from kpipe.files import write_atomic
from kpipe.groups import Group
from kpipe.pipeline import Pipeline, effective_yaml
from kpipe.runs import Run
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.tracking.journal import Journal

DIGITS: dict[str, Any] = {
    "name": "digits",
    "data": {"type": "sklearn", "dataset": "digits", "batch_size": 32},
    "model": {"type": "cnn", "filters": [8]},
    "train": {"type": "fit", "epochs": 2, "optimizer": {"AdamW": {"learning_rate": 0.01}}},
}
Make = Callable[..., Run]


def pipeline(*overrides: str) -> Pipeline:
    return checked(Pipeline, document_of(DIGITS, overrides=overrides))


def write(run: Run, written: Pipeline, metrics: Mapping[str, float], tags: Mapping[str, str], data: str) -> Run:
    """What a finished run leaves, as far as it is compared."""
    for name in ("pipeline.yaml", "resolved.yaml"):
        write_atomic(run.folder / name, effective_yaml(written))
    write_atomic(run.folder / "fingerprint", data)
    write_atomic(run.artifacts / "environment.txt", "# Python 3.11.2, Linux\nnumpy==2.0\nzict==1.0\n")
    journal = Journal(run.journal)
    journal.tags({"backend": "jax", "device": "cpu", "version.jax": "0.10.2", **tags})
    journal.dataset("test", "digits", data, "sklearn digits", {"examples": 360})
    for epoch, loss in enumerate((0.8, 0.4), 1):
        values = {"train/loss": loss, "val/loss": loss + 0.1, "progress/epoch": float(epoch)}
        journal.metrics({**values, "progress/learning_rate": 0.01}, 40 * epoch)
    journal.metrics({f"test/{name}": value for name, value in metrics.items()}, 0)
    journal.end("FINISHED")
    journal.close()
    run.finish("FINISHED")
    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "mlruns"


@pytest.fixture
def make(root: Path) -> Make:
    def made(
        *overrides: str, accuracy: float = 0.9, data: str = "a" * 64, group: str | None = None, **tags: str
    ) -> Run:
        written = pipeline(*overrides)
        run = runs.create(root, "digits", written.name)
        run.update(backend="jax", group=group, seed=written.seed)
        return write(run, written, {"accuracy": accuracy, "loss": 1 - accuracy, "f1/7": accuracy}, tags, data)

    return made


@pytest.fixture
def make_group(root: Path, make: Make) -> Callable[..., Group]:
    def made(accuracies: list[float], *overrides: str, **facts: str) -> Group:
        written = pipeline(*overrides)
        group = groups.create(root, written.name, written.seed, len(accuracies))
        write_atomic(group.folder / "resolved.yaml", effective_yaml(written))
        for seed, accuracy in zip(group.plan.seeds, accuracies, strict=True):
            make(*overrides, f"seed={seed}", accuracy=accuracy, data=f"{seed}" * 64, group=group.name, **facts)
        group.free()
        return group

    return made
