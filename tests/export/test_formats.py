"""Each format on the backend that writes it: every family gives the same as the model it was made of."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe import serving
from kpipe.errors import RunFailed
from kpipe.export.carry_out import ALLOWED, carry_out
from kpipe.export.format import Format
from kpipe.export.keras import Keras
from kpipe.export.prepared import PREPARATION
from kpipe.export.story import formats
from kpipe.export.task import MODEL, Row, Task

Saved = Callable[..., Task]
FAMILIES = ("cnn", "stacked_autoencoder", "rnn", "encoder_decoder", "transformer", "mlp")

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:tf2onnx"),
]


def written_on(backend: str) -> tuple[str, ...]:
    return tuple(name for name, form in formats().items() if not form.engines or backend in form.engines)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_held_by_every_format(saved: Saved, backend: str, family: str) -> None:
    task = saved(family, formats=written_on(backend))
    model, *rows = carry_out(task)
    assert [row.error for row in rows] == [""] * len(rows)
    assert [row.format for row in rows] == list(task.formats)
    assert model.format == MODEL
    assert model.prepared == model.examples > 1
    assert np.abs(np.load(task.reference)).max() > 0.01  # zeros would agree with anything
    for row in rows:
        assert row.difference is not None
        assert row.difference < 1e-5
        assert (Path(task.folder) / row.file).exists()
        assert min(row.bytes, row.one, row.batch) > 0


WITHOUT_KPIPE = """
import sys
sys.modules["kpipe"] = sys.modules["keras"] = None
import numpy
image = numpy.arange(64, dtype="uint8").reshape(1, 8, 8, 1) % 17
if sys.argv[1].endswith(".onnx"):
    import onnxruntime
    outputs = onnxruntime.InferenceSession(sys.argv[1]).run(None, {"image": image})[0]
else:
    import torch
    outputs = torch.export.load(sys.argv[1]).module()(torch.as_tensor(image)).detach().numpy()
print(*outputs[0])
"""


def test_a_file_computes_without_kpipe(saved: Saved, backend: str) -> None:
    import keras

    form = {"tensorflow": "onnx", "torch": "torch"}.get(backend)
    if form is None:
        pytest.skip("JAX writes Keras's file alone")
    task = saved("cnn", formats=(form,))
    _, row = carry_out(task)
    command = [sys.executable, "-c", WITHOUT_KPIPE, str(Path(task.folder) / row.file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    image = np.arange(64, dtype="uint8").reshape(1, 8, 8, 1) % 17
    model = serving.load(Path(task.run) / "model").model
    expected = keras.ops.convert_to_numpy(model(image, training=False))[0]
    np.testing.assert_allclose([float(word) for word in done.stdout.split()], expected, atol=1e-5)


def test_files_compute_in_single_precision(saved: Saved, backend: str) -> None:
    import keras

    task = saved("mlp", precision="mixed_bfloat16", formats=("keras",))
    _, row = carry_out(task)
    assert row.error == ""
    with zipfile.ZipFile(Path(task.folder) / row.file) as file:
        assert "bfloat16" not in file.read("config.json").decode()
    assert keras.config.dtype_policy().name == "float32"


class Other(Keras):
    """Writes another network than it was given."""

    def write(self, model: Any, example: Any, path: Path, int8: bool) -> None:
        kept = model.get_weights()
        model.set_weights([weight * 1.1 for weight in kept])
        super().write(model, example, path, int8)
        model.set_weights(kept)


class Broken(Keras):
    """Cannot write anything."""

    def write(self, model: Any, example: Any, path: Path, int8: bool) -> None:
        path.write_text("half")
        raise NotImplementedError("no such operation\nand many more lines")


def rows_with(form: type[Format], task: Task, monkeypatch: pytest.MonkeyPatch) -> Sequence[Row]:
    monkeypatch.setattr("kpipe.export.carry_out.components", lambda package: {"keras": form})
    return carry_out(task)


def test_a_file_that_gives_something_else_is_no_export(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    task = saved("mlp", formats=("keras",))
    _, row = rows_with(Other, task, monkeypatch)
    assert "from the model's" in row.error
    assert f"{ALLOWED:.0e}" in row.error
    assert not (Path(task.folder) / "model.keras").exists()


def test_what_a_converter_raises_is_told_and_nothing_is_left(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    task = saved("mlp", formats=("keras",))
    _, row = rows_with(Broken, task, monkeypatch)
    assert row.error == "NotImplementedError: no such operation"
    assert not (Path(task.folder) / "model.keras").exists()


def test_the_check_goes_through_the_preparation_beside_the_files(saved: Saved) -> None:
    task = saved("rnn")
    path = Path(task.folder) / PREPARATION
    beside = json.loads(path.read_text(encoding="utf-8"))
    tokens = beside["vocabulary"]["tokens"]
    beside["vocabulary"]["tokens"] = [*tokens[:-2], tokens[-1], tokens[-2]]
    path.write_text(json.dumps(beside), encoding="utf-8")
    with pytest.raises(RunFailed, match="otherwise than the run"):
        carry_out(task)


def test_eight_bits_are_smaller_and_what_they_cost_is_told(saved: Saved, backend: str) -> None:
    if backend != "tensorflow":
        pytest.skip("TensorFlow writes what has eight bits")
    model, *rows = carry_out(saved("mlp", formats=("onnx", "litert"), int8=True))
    assert [(row.format, row.int8) for row in rows] == [
        ("onnx", False), ("onnx", True), ("litert", False), ("litert", True),
    ]  # fmt: skip
    for whole, eight in zip(rows[::2], rows[1::2], strict=True):
        assert eight.error == ""
        assert eight.bytes < 0.6 * whole.bytes
        assert eight.difference is not None
        assert whole.difference is not None
        assert whole.difference < eight.difference < 0.1
        assert abs(eight.scores["accuracy"] - model.scores["accuracy"]) <= 0.1
        assert whole.scores == {}
