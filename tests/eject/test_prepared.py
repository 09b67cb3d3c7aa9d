"""Scripts that read a data set prepared by TensorFlow Datasets have its examples, and give the run's numbers."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.data.tfds import Tfds
from kpipe.eject.data import tfds
from kpipe.eject.story import FOR_DATA, SEEDS, eject, fixed
from kpipe.pipeline import Pipeline, build, examine, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.stages import train

ROOT = Path(__file__).parents[2]
FEW = "data.split.names={train: 'train[:300]', test: 'test[:100]'}"
SMALL = ["train.epochs=1", "data.batch_size=64", "model.filters=[4, 8]", "model.dense=[8]", "model.resize=[16, 16]"]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def pipeline_of(name: str, folder: Path, *overrides: str) -> Pipeline:
    file = ROOT / "pipelines" / f"{name}.yaml"
    return checked(Pipeline, read(file, [f"data.data_dir={folder}", FEW, *overrides]))


@pytest.mark.parametrize(("form", "size"), [("tfds", "[14, 10]"), ("tfds_array_record", "null")])
def test_a_script_has_the_examples_of_each_split(shared_data: Path, form: str, size: str) -> None:
    pipeline = pipeline_of("cnn_gap_mnist", shared_data / form, f"data.image_size={size}")
    assert isinstance(pipeline.data, Tfds)
    splits, found = load_splits(pipeline), dict[str, Any]()
    section = tfds.write(pipeline.data, splits)
    lines = [*FOR_DATA, *section.imports, fixed(pipeline), *section.constants, SEEDS, section.code]
    exec("\n".join(lines), found)
    for part, split in splits:
        batch = split.take(np.arange(len(split)))
        np.testing.assert_array_equal(found[f"x_{part}"], batch["image"])
        np.testing.assert_array_equal(found[f"y_{part}"], batch["target"])


def test_a_script_gives_the_numbers_of_the_run(backend: str, shared_data: Path, tmp_path: Path) -> None:
    import keras

    pipeline = pipeline_of("cnn_flatten_mnist", shared_data / "tfds", *SMALL)
    script = tmp_path / "script.py"
    script.write_text(eject(pipeline, Path("mnist.yaml"), script.name), encoding="utf-8")
    splits = load_splits(pipeline)
    model = build(pipeline, splits.signature)
    history, _ = train(pipeline, model, splits, tmp_path / "checkpoints", [])
    metrics = pipeline.evaluate.measure(examine(pipeline, model, splits.test, splits.signature, "test"))
    keras.backend.clear_session()  # layers without a name are numbered as in a new process
    found = runpy.run_path(str(script))
    for key in history[0].logs:
        assert found["history"].history[key] == pytest.approx([epoch.logs[key] for epoch in history], rel=1e-5), key
    assert found["metrics"] == pytest.approx(metrics, rel=1e-5, abs=1e-5)
