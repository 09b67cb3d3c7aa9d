"""Every backend begins with the same weights and takes the same batches: looked at in a process for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kpipe.backend
from kpipe.models.architecture import Architecture
from kpipe.spec.one_of import components

PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"
NOT_HERE = ("path: ", "type: tfds", "../shared/data", "tune:")
"""In pipelines whose data does not come with kpipe, and in searches, whose models are those of other pipelines."""

LOOK = """
import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

import kpipe.backend

backend = sys.argv[1]
kpipe.backend.use(backend)
import keras

from kpipe.initial_weights.keyed import keyed
from kpipe.pipeline import Pipeline, build, load_splits
from kpipe.signature import Signature
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.spec.one_of import components
from kpipe.training.loop import running
from kpipe.training.loop.batches import Examined, ShuffledBatches
from kpipe.training.method import Stage


def digest(arrays):
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.shape} {array.dtype}".encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def start(model):
    return digest([np.asarray(keras.ops.convert_to_numpy(weight)) for weight in model.weights])


def architectures(kind):
    done = set()
    for case, written in given["signatures"].items():
        name = case.split("-")[0]
        if kind in ("mixed", "float64") and name in done:
            continue
        done.add(name)
        architecture = components("kpipe.models")[name].model_validate(given["architectures"][name])
        with keyed(3):
            seen["weights"][f"{case} {kind}"] = start(architecture.build(Signature.model_validate(written)))


def batches(name, *overrides):
    pipeline = checked(Pipeline, read(Path(given["folder"]) / f"{name}.yaml", overrides))
    splits, train, validation = load_splits(pipeline), {}, []
    get, take = ShuffledBatches.__getitem__, Examined.take

    def note_batch(batches, index):
        rows = get(batches, index)
        arrays = [array for row in rows for array in (row.values() if isinstance(row, dict) else [row])]
        epoch, step = divmod(index, batches.plan.steps)
        train[index] = [batches.batches(epoch)[step].tolist(), digest(arrays)]
        return rows

    def note(examined, indices):
        if examined.split is splits.validation:
            validation.extend(indices.tolist())
        return take(examined, indices)

    ShuffledBatches.__getitem__, Examined.take = note_batch, note
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage("fit", 0, pipeline.seed, pipeline.data.batch_size, 0, Path(folder))
        model = build(pipeline, splits.signature)
        trained = pipeline.train[0].train(model, splits.train, splits.validation, splits.signature, stage)
    ShuffledBatches.__getitem__, Examined.take = get, take
    seen["batches"][name] = [[train[step] for step in range(trained.steps)], validation[-len(splits.validation) :]]


running.in_chunks = lambda batches: batches  # that chunks are the same batches is for test_chunks.py
given = json.loads(sys.stdin.read())
seen, carried = {"weights": {}, "batches": {}}, {}
for file in given["files"]:
    pipeline = checked(Pipeline, read(Path(file)))
    carried[file] = pipeline, load_splits(pipeline).signature
for kind in ("once", "again"):
    architectures(kind)
    for file, (pipeline, signature) in carried.items():
        seen["weights"][f"{Path(file).stem} {kind}"] = start(build(pipeline, signature))
keras.config.set_dtype_policy("mixed_bfloat16")
architectures("mixed")
if backend == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)
keras.config.set_dtype_policy("float64")
architectures("float64")
if backend == "jax":
    jax.config.update("jax_enable_x64", False)
keras.config.set_dtype_policy("float32")
few = ("train.epochs=2", "train.schedule={type: constant}")
batches("mlp_iris", *few, "train.examples=90", "train.class_weight=balanced")
batches("encoder_decoder_dates", *few, "data.examples=600", "train.steps_per_epoch=5")
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen(signature_of: Any) -> dict[str, Any]:
    """What each installed backend begins with, and the batches it takes."""
    architectures = {
        name: {"type": name, **kind.example}
        for name, kind in components("kpipe.models").items()
        if issubclass(kind, Architecture)
    }
    signatures = {
        f"{name}-{kind}-{task}": signature_of(kind, task).model_dump(mode="json")
        for name in architectures
        for kind, tasks in components("kpipe.models")[name].pairs.items()  # type: ignore[attr-defined]
        for task in sorted(tasks)
    }
    carried = {file: file.read_text(encoding="utf-8") for file in sorted(PIPELINES.glob("*.yaml"))}
    files = [str(file) for file, text in carried.items() if not any(map(text.__contains__, NOT_HERE))]
    assert len(files) > 14
    given = {"signatures": signatures, "architectures": architectures, "files": files, "folder": str(PIPELINES)}
    return {backend: looked(backend, given) for backend in kpipe.backend.installed()}


def looked(backend: str, given: dict[str, Any]) -> dict[str, Any]:
    command, environment = [sys.executable, "-c", LOOK, backend], {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(command, env=environment, input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_initial_weights_are_equal_bit_for_bit(seen: dict[str, Any]) -> None:
    first, *others = (found["weights"] for found in seen.values())
    assert len(first) > 60
    for other in others:
        assert other == first
    for case, digest in first.items():
        if case.endswith("again"):
            assert digest == first[case.replace("again", "once")], case
        if case.endswith("mixed"):
            assert digest == first[case.replace("mixed", "once")], case
        if case.endswith("float64"):
            assert digest != first[case.replace("float64", "once")], case


@pytest.mark.slow
def test_batches_of_two_epochs_are_equal(seen: dict[str, Any]) -> None:
    first, *others = (found["batches"] for found in seen.values())
    for other in others:
        assert other == first
    for train, _ in first.values():
        assert len(train) >= 10
        assert train[: len(train) // 2] != train[len(train) // 2 :]
