"""Data four times as large as the memory that is left for them: each source that streams trains and is evaluated.

A process is limited in what it may allocate for itself (RLIMIT_DATA, `ulimit -d`), to what an engine needs for a few
examples and ROOM more. Pages of a mapped file are not counted: the system takes them back when it needs them.
RLIMIT_AS (`ulimit -v`) would count addresses, of which engines reserve far more than they use; a control group needs
rights that a test does not have.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOM = 2**26
SIDE = 128
IMAGES = 4 * ROOM // (SIDE * SIDE * 3) + 1
COLUMNS = 64
ROWS = 4 * ROOM // (COLUMNS * 4) + 1
FEW = 192

SCRIPT = """\
import json, resource, sys, threading, time
from pathlib import Path

def allocated():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))

def watch():
    global most
    while True:
        most = max(most, allocated())
        time.sleep(0.002)

most, limit, held = 0, int(sys.argv[3]), int(sys.argv[4])
if limit:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
threading.Thread(target=watch, daemon=True).start()
from kpipe.data.preparation import prepared
from kpipe.pipeline import Pipeline
from kpipe.run import run
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
prepared.HELD_BYTES = held
done = run(checked(Pipeline, document_of(json.loads(sys.argv[1]))), option=sys.argv[2])
print(json.dumps({"most": most, "metrics": dict(done.metrics)}))
"""


def linked_images(folder: Path, count: int) -> Path:
    """Images of three classes, one shade each; few files with many names."""
    folder.mkdir()
    for place in range(3):
        (folder / f"class{place}").mkdir()
        Image.new("RGB", (SIDE, SIDE), (80 * place,) * 3).save(folder / f"{place}.kind", "PNG")
    for index in range(count):
        (folder / f"class{index % 3}" / f"{index:05}.png").hardlink_to(folder / f"{index % 3}.kind")
    return folder


def image_folder(folder: Path, count: int | None) -> dict[str, Any]:
    return {"type": "image_folder", "path": str(linked_images(folder / "images", count or IMAGES)), "batch_size": 32}


def array_record(folder: Path, count: int | None) -> dict[str, Any]:
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.sequential_writer import SequentialWriter

    place = folder / "shades" / "1.0.0"
    place.mkdir(parents=True)
    linked_images(folder / "images", 3)
    form = {
        "image": tfds.features.Image(shape=(SIDE, SIDE, 3), encoding_format="png"),
        "label": tfds.features.ClassLabel(num_classes=3),
    }
    identity = tfds.core.dataset_info.DatasetIdentity(
        name="shades", version=tfds.core.Version("1.0.0"), data_dir=str(place), module_name=__name__
    )
    information = tfds.core.DatasetInfo(builder=identity, features=tfds.features.FeaturesDict(form))
    writer = SequentialWriter(information, max_examples_per_shard=2000, file_format="array_record")
    writer.initialize_splits(["train"])
    kinds = [{"image": str(folder / "images" / f"{place}.kind"), "label": place} for place in range(3)]
    writer.add_examples({"train": [kinds[index % 3] for index in range(count or IMAGES)]})
    writer.close_all()
    return {"type": "tfds", "name": "shades", "data_dir": str(folder), "batch_size": 32}


def parquet(folder: Path, count: int | None) -> dict[str, Any]:
    """One group of rows, as pandas writes up to a million."""
    import pyarrow
    from pyarrow import parquet as files

    rows = count or ROWS
    kinds = np.arange(rows) % 3
    columns = {f"column{number}": (kinds + number % 2).astype("float32") for number in range(COLUMNS)}
    files.write_table(pyarrow.table({**columns, "kind": kinds}), folder / "t.parquet", row_group_size=rows)
    split = {"validation": 0.02, "test": 0.02}
    batch = 32 if count else 4096
    return {"type": "table", "path": str(folder / "t.parquet"), "target": "kind", "batch_size": batch, "split": split}


def trained(data: dict[str, Any], folder: Path, backend: str, limit: int, held: int = ROOM) -> tuple[int, str, str]:
    cnn = {"type": "cnn", "filters": [4], "strides": 4, "kernel_size": 4}
    pipeline = {
        "name": "large",
        "data": data,
        "model": {"type": "mlp", "units": [8]} if data["type"] == "table" else cnn,
        "train": {"type": "fit", "epochs": 1, "optimizer": {"AdamW": {"learning_rate": 0.02}}},
        "evaluate": {"metrics": ["accuracy"], "plots": [] if data["type"] == "table" else ["mistakes"]},
    }
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "MALLOC_ARENA_MAX": "2"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    words = [sys.executable, "-c", SCRIPT, json.dumps(pipeline), backend, str(limit), str(held)]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def both(tmp_path: Path, backend: str) -> Callable[..., tuple[dict[str, Any], int]]:
    """A function that gives the fields of the large set, and the most that may be allocated with it."""

    def make(source: Callable[[Path, int | None], dict[str, Any]]) -> tuple[dict[str, Any], int]:
        for name in ("small", "large"):
            (tmp_path / name).mkdir()
        code, out, err = trained(source(tmp_path / "small", FEW), tmp_path / "small run", backend, 0)
        assert code == 0, err
        return source(tmp_path / "large", None), json.loads(out.splitlines()[-1])["most"] + ROOM

    return make


SOURCES = {"jax": [image_folder], "torch": [image_folder, parquet], "tensorflow": [image_folder, array_record]}
"""What differs between engines is seen with one source, so that the others are each tried on one engine."""


@pytest.mark.slow
@pytest.mark.parametrize("source", [image_folder, parquet, array_record])
def test_a_set_four_times_the_memory_left_is_learned(
    source: Callable[[Path, int | None], dict[str, Any]], both: Any, backend: str, tmp_path: Path
) -> None:
    if source not in SOURCES[backend]:
        pytest.skip("tried on another backend")
    large, limit = both(source)
    code, out, err = trained(large, tmp_path / "run", backend, limit)
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["metrics"]["accuracy"] > 0.9
    if backend == "jax":
        code, out, err = trained(large, tmp_path / "held", backend, limit, held=2**40)
        assert code != 0, "the limit is none: the same set was trained from memory"
