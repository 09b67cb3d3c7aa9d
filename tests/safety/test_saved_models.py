"""Saved models whose files were changed, and their hashes with them: hashes tell damage, not who wrote it."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import strategies as st

from kpipe import serving
from kpipe.data.splits import Splits
from kpipe.errors import DataError, KpipeError
from kpipe.pipeline import Pipeline
from kpipe.spec.yaml import dump, parse
from kpipe.tracking import packaging

pytestmark = pytest.mark.filterwarnings("ignore:Skipping nested container")  # Keras's, before it refuses weights
WRITTEN = {
    "name": "tiny",
    "data": {"type": "sklearn", "dataset": "iris"},
    "model": {"type": "mlp", "units": [4]},
    "train": {"type": "fit", "epochs": 1},
}


@pytest.fixture(scope="module")
def splits() -> Splits:
    return Pipeline.model_validate(WRITTEN).data.load(0)


@pytest.fixture
def saved(backend: str, tmp_path: Path, splits: Splits) -> Path:
    pipeline = Pipeline.model_validate(WRITTEN)
    model = pipeline.model.build(splits.signature)
    folder = tmp_path / "model"
    serving.save(folder, pipeline, splits.signature, splits.preparation, model, splits.test.take(np.arange(1)))
    return folder


def sign(folder: Path) -> None:
    """Makes the hashes right again, as anybody can."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"] = {name: serving.sha256(folder / name) for name in serving.FILES}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def kernel(file: h5py.File) -> tuple[h5py.Group, str, h5py.Dataset]:
    """The first matrix in a file of weights: its group, its name, itself."""
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if getattr(item, "ndim", 0) == 2 else None)
    group, _, name = found[0].rpartition("/")
    return file[group], name, file[found[0]]


def from_another_file(folder: Path, group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    (folder.parent / "secret").write_bytes(bytes(range(256)))
    group.create_dataset(name, shape, "float32", external=[(str(folder.parent / "secret"), 0, 4 * int(np.prod(shape)))])


def from_many_files(folder: Path, group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    with h5py.File(folder.parent / "other.h5", "w") as other:
        other["x"] = np.ones(shape, np.float32)
    layout = h5py.VirtualLayout(shape, "float32")
    layout[:] = h5py.VirtualSource(folder.parent / "other.h5", "x", shape)
    group.create_virtual_dataset(name, layout)


def link(folder: Path, group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    with h5py.File(folder.parent / "other.h5", "w") as other:
        other["x"] = np.ones(shape, np.float32)
    group[name] = h5py.ExternalLink(str(folder.parent / "other.h5"), "x")


def huge(folder: Path, group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, (30_000, 30_000), "float32", chunks=(100, 100), compression="gzip")


def objects(folder: Path, group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, data=[["text"] * shape[1]] * shape[0])


@pytest.mark.parametrize("attack", [from_another_file, from_many_files, link, huge, objects])
def test_weights_that_are_none(saved: Path, attack: Callable[..., None]) -> None:
    with h5py.File(saved / serving.WEIGHTS, "a") as file:
        group, name, found = kernel(file)
        shape = found.shape
        del group[name]
        attack(saved, group, name, shape)
    sign(saved)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=r"model\.weights\.h5"):
        serving.load(saved)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 * 1024


@pytest.mark.parametrize(
    "change",
    [
        {"units": [20_000, 20_000, 20_000]},
        {"units": [5]},
        {"type": "cnn"},
        {"type": "rnn"},
    ],
    ids=["larger", "another", "of images", "of texts"],
)
def test_a_network_that_its_weights_are_not_of(saved: Path, change: dict[str, Any]) -> None:
    root = parse((saved / "resolved.yaml").read_bytes(), "resolved.yaml").root
    assert root is not None
    model = {**root.plain["model"], **change} if "type" not in change else change
    (saved / "resolved.yaml").write_text(dump({**root.plain, "model": model}), encoding="utf-8")
    sign(saved)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(KpipeError):
        serving.load(saved)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 * 1024


def test_the_preparation_of_another_model(saved: Path) -> None:
    other = Pipeline.model_validate({**WRITTEN, "data": {"type": "sklearn", "dataset": "wine"}}).data.load(0)
    (saved / "preparation.json").write_text(other.preparation.model_dump_json(), encoding="utf-8")
    sign(saved)
    predictor = serving.load(saved)
    with pytest.raises(DataError, match=r"the model takes vector \(4,\)"):
        predictor.predict(predictor.preparation.prepare(np.zeros((2, 13))))


def test_descriptions_of_any_content(
    saved: Path, fuzz: Any, files: Callable[[bytes], st.SearchStrategy[bytes]]
) -> None:
    texts = {name: (saved / name).read_bytes() for name in ("resolved.yaml", "signature.json", "preparation.json")}

    def look(case: tuple[str, bytes]) -> None:
        for name, raw in texts.items():
            (saved / name).write_bytes(raw)
        (saved / case[0]).write_bytes(case[1])
        sign(saved)
        predictor = serving.load(saved)
        predictor.answers(predictor.preparation.prepare(np.zeros((2, 4))))

    look(("resolved.yaml", texts["resolved.yaml"]))
    fuzz(60, st.one_of([st.tuples(st.just(name), files(raw)) for name, raw in texts.items()]), look)


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")  # MLflow's own, at import
def test_a_model_changed_in_mlflows_store(saved: Path) -> None:
    import mlflow.pyfunc
    from mlflow.entities import LoggedModel

    with packaging.packaged(saved, LoggedModel("1", "m-1", "tiny", "file:///nowhere", 0, 0), "run") as folder:
        model = folder / "data" / "model"
        assert mlflow.pyfunc.load_model(str(folder)).predict(np.zeros((1, 4), np.float32)).shape[0] == 1
        assert len(serving.load(model).answers({"vector": np.zeros((1, 4), np.float32)})) == 1
        with (model / serving.WEIGHTS).open("r+b") as file:
            file.seek(2000)
            file.write(b"\x01")
        for load in (lambda: mlflow.pyfunc.load_model(str(folder)), lambda: serving.load(model)):
            with pytest.raises(DataError, match="was changed since it was saved"):
                load()
