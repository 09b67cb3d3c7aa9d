from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpipe import serving
from kpipe.backend import installed
from kpipe.data.preparation.table import Table
from kpipe.data.splits import Splits
from kpipe.errors import DataError
from kpipe.pipeline import Pipeline
from kpipe.schema_of_model import describe
from kpipe.signature import Feature, Signature, Target
from kpipe.tracking import packaging

WRITTEN = {
    "name": "tiny",
    "data": {"type": "sklearn", "dataset": "digits"},
    "model": {"type": "cnn", "filters": [4, 8], "normalization": "batch"},
    "train": {"type": "fit", "epochs": 1},
}


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.model_validate(WRITTEN)


@pytest.fixture(scope="module")
def splits(pipeline: Pipeline) -> Splits:
    return pipeline.data.load(0)


@pytest.fixture
def saved(backend: str, tmp_path: Path, pipeline: Pipeline, splits: Splits) -> Path:
    model = pipeline.model.build(splits.signature)
    folder = tmp_path / "model"
    serving.save(folder, pipeline, splits.signature, splits.preparation, model, splits.test.take(np.arange(1)))
    return folder


@pytest.fixture
def images(splits: Splits) -> np.ndarray:
    return splits.test.take(np.arange(5))["image"]


def test_a_loaded_model_predicts_what_the_saved_one_did(
    backend: str, tmp_path: Path, pipeline: Pipeline, splits: Splits, images: np.ndarray
) -> None:
    import keras

    model = pipeline.model.build(splits.signature)
    for weight in model.weights:  # every weight, those of normalization too, must come back
        if "seed" not in weight.path:
            weight.assign(weight + 0.1 * np.random.default_rng(0).random(weight.shape).astype(weight.dtype))
    logits = keras.ops.convert_to_numpy(model(images, training=False)).astype("float64")
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    serving.save(tmp_path / "model", pipeline, splits.signature, splits.preparation, model, {"image": images})
    loaded = serving.load(tmp_path / "model")
    np.testing.assert_allclose(loaded.predict({"image": images}), expected, atol=1e-6)
    assert loaded.signature == splits.signature
    assert loaded.preparation == splits.preparation


def test_a_model_that_finds_no_room_is_not_begun(
    saved: Path, pipeline: Pipeline, splits: Splits, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(path.name for path in saved.parent.iterdir())
    model = pipeline.model.build(splits.signature)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**20))
    with pytest.raises(OSError, match="No space left on device"):
        serving.save(saved, pipeline, splits.signature, splits.preparation, model, {"image": images})
    assert sorted(path.name for path in saved.parent.iterdir()) == before
    assert serving.load(saved).signature == splits.signature


def test_saving_again_replaces_the_folder_whole(
    saved: Path, pipeline: Pipeline, splits: Splits, images: np.ndarray
) -> None:
    before = (saved / "model.weights.h5").read_bytes()
    (saved / "left over").touch()
    model = pipeline.model.build(splits.signature)
    for weight in model.trainable_weights:
        weight.assign(weight + 0.5)
    serving.save(saved, pipeline, splits.signature, splits.preparation, model, {"image": images})
    assert {path.name for path in saved.iterdir()} == {*serving.FILES, "manifest.json"}
    assert (saved / "model.weights.h5").read_bytes() != before
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("name", serving.FILES)
def test_a_changed_or_missing_file_is_refused(saved: Path, name: str) -> None:
    with (saved / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(DataError, match=rf"{name}: was changed since it was saved"):
        serving.load(saved)
    (saved / name).unlink()
    with pytest.raises(DataError, match=rf"{name}: missing from the saved model"):
        serving.load(saved)


def test_a_link_out_of_the_folder_is_refused(saved: Path) -> None:
    outside = saved.parent / "outside.json"
    (saved / "signature.json").rename(outside)
    (saved / "signature.json").symlink_to(outside)
    with pytest.raises(DataError, match="leads out of the model's folder"):
        serving.load(saved)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "expected format 1"),
        ({"files": {"../../x": "00"}}, "expected format 1 with the files"),
        ({"files": 3}, "not a manifest of kpipe"),
    ],
)
def test_a_wrong_manifest_is_refused(saved: Path, change: dict[str, Any], said: str) -> None:
    path = saved / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(DataError, match=said):
        serving.load(saved)


def test_no_model_was_saved(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no saved model"):
        serving.load(tmp_path)


def test_a_model_of_another_kpipe_says_which(saved: Path) -> None:
    path = saved / "resolved.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "a_new_field: 1\n", encoding="utf-8")
    manifest = json.loads((saved / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["resolved.yaml"] = serving.sha256(path)
    manifest["kpipe"] = "9.9"
    (saved / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(DataError, match=r"written by kpipe 9\.9") as error:
        serving.load(saved)
    assert error.value.hint == "pip install kpipe==9.9"


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")  # MLflow's own, at import
def test_mlflow_loads_it_and_its_example_goes_through(saved: Path, images: np.ndarray) -> None:
    import mlflow.pyfunc
    from mlflow.entities import LoggedModel

    logged = LoggedModel("1", "m-1", "tiny", "file:///nowhere", 0, 0)
    with packaging.packaged(saved, logged, "run") as folder:
        model = mlflow.pyfunc.load_model(str(folder))
        answer = model.predict(images)
        served = json.loads((folder / "serving_input_example.json").read_text(encoding="utf-8"))
        assert model.predict(np.asarray(served["inputs"], "uint8")).label[0] == answer.label[0]
        assert model.metadata.signature.inputs.inputs[0].shape == (-1, 8, 8, 1)
        assert model.metadata.signature.outputs.input_names() == list(answer.columns)
        requirements = (folder / "requirements.txt").read_text(encoding="utf-8")
    probabilities = answer.filter(like="probability of ").to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(probabilities, serving.load(saved).predict({"image": images}), atol=1e-6)
    assert list(answer.label) == [str(index) for index in probabilities.argmax(axis=1)]
    assert "keras==" in requirements


IN_A_FRESH_ENVIRONMENT = """
import sys
packages, folder = sys.argv[1:]
sys.path = [path for path in sys.path if "kpipe" not in path] + [packages]
import numpy, mlflow.pyfunc
assert "kpipe" not in sys.modules
model = mlflow.pyfunc.load_model(folder)
print(model.predict(numpy.zeros((2, 8, 8, 1), "uint8")).shape[0])
print(sys.modules["kpipe"].__file__)
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")  # MLflow's own, at import
def test_the_package_brings_kpipe_where_it_is_not_installed(backend: str, saved: Path) -> None:
    if backend != installed()[-1]:
        pytest.skip("tried on another backend")
    from mlflow.entities import LoggedModel

    site = str(Path(pd.__file__).parents[1])
    logged = LoggedModel("1", "m-1", "tiny", "file:///nowhere", 0, 0)
    with packaging.packaged(saved, logged, "run") as folder:
        # -S: no .pth file is followed, so that a kpipe installed from its sources is not found
        command = [sys.executable, "-I", "-S", "-c", IN_A_FRESH_ENVIRONMENT, site, str(folder)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-2:] == ["2", str(folder / "code" / "kpipe" / "__init__.py")]


def test_a_tables_example_is_the_raw_row_again() -> None:
    target = Target(task="values", names=("price",))
    columns = [
        {"kind": "number", "name": "mass", "fill": 2.0},
        {"kind": "category", "name": "island", "values": ["x", "y"], "missing": True},
    ]
    table = Table.model_validate({"columns": columns, "targets": ["price"], "target": target})
    frame = pd.DataFrame({"mass": [1.5, 2.5], "island": ["y", None]})
    prepared = table.prepare(frame)["vector"]
    feature = Feature(name="vector", kind="vector", shape=(4,), dtype="float32")
    signature = Signature(inputs=(feature,), target=target)
    schema = describe(signature, table, {"vector": prepared}, "jax")
    assert schema["input"]["columns"] == [{"name": "mass", "type": "double"}, {"name": "island", "type": "string"}]
    again = packaging.example_of(schema)
    np.testing.assert_array_equal(table.prepare(again)["vector"], prepared[:1])
    missing = describe(signature, table, {"vector": prepared[1:]}, "jax")
    np.testing.assert_array_equal(table.prepare(packaging.example_of(missing))["vector"], prepared[1:])
    assert schema["output"] == [{"name": "price", "type": "double"}]
