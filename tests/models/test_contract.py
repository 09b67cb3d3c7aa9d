"""Every architecture, held to the same small checks."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import yaml

import kpipe.backend
from kpipe.errors import WrongInput
from kpipe.models.architecture import Architecture
from kpipe.signature import Task
from kpipe.spec.one_of import components

ARCHITECTURES = components("kpipe.models")
CASES = [
    (name, kind, task)
    for name, architecture in ARCHITECTURES.items()
    for kind, tasks in architecture.pairs.items()  # type: ignore[attr-defined]
    for task in sorted(tasks)
]
by_name = pytest.mark.parametrize("name", ARCHITECTURES)
by_case = pytest.mark.parametrize(("name", "kind", "task"), CASES)


def default(name: str) -> Architecture:
    architecture = ARCHITECTURES[name].model_validate({"type": name, **ARCHITECTURES[name].example})
    assert isinstance(architecture, Architecture)
    return architecture


def predict(model: Any, inputs: Any) -> np.ndarray:
    return numbers(model(inputs, training=False))


def numbers(tensor: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor))


def first(name: str, signature_of: Any) -> Any:
    """The signature of the architecture's first kind and task."""
    kind, tasks = next(iter(default(name).pairs.items()))
    return signature_of(kind, min(tasks))


@by_name
def test_docstring_has_its_sections(name: str) -> None:
    doc = inspect.getdoc(ARCHITECTURES[name]) or ""
    assert doc.split("\n", 1)[0].endswith(".")
    for section in ("Shapes:", "Raises:", "Example:", "Reference:"):
        assert section in doc, section


@by_name
def test_example_of_the_docstring_is_right(name: str) -> None:
    doc = inspect.getdoc(ARCHITECTURES[name]) or ""
    example = yaml.safe_load(textwrap.dedent(doc.split("Example:\n")[1].split("\n\n")[0]))
    assert ARCHITECTURES[name].model_validate(example["model"]).type == name


@by_name
def test_every_field_is_described(name: str) -> None:
    for field, info in ARCHITECTURES[name].model_fields.items():
        assert field == "type" or info.description, field


@by_name
def test_other_kinds_of_input_are_refused(name: str, signature_of: Any) -> None:
    for kind in {"image", "vector", "sequence", "tokens"} - default(name).accepts():
        with pytest.raises(WrongInput, match=f"{name}.*takes"):
            default(name).build(signature_of(kind))


@by_name
def test_tasks_that_it_does_not_learn_are_refused(name: str, signature_of: Any) -> None:
    architecture = default(name)
    for kind, learned in architecture.pairs.items():
        for task in set(get_args(Task)) - learned - {"reconstruction"}:
            with pytest.raises(WrongInput, match=f"{name}.*learns"):
                architecture.build(signature_of(kind, task))


@by_case
def test_inputs_and_outputs_are_as_the_signature_says(
    backend: str, signature_of: Any, batch_of: Any, name: str, kind: str, task: str
) -> None:
    of = signature_of(kind, task)
    model = default(name).build(of)
    for given, feature in zip(model.inputs, of.inputs, strict=True):
        assert (given.name, given.shape[1:], given.dtype) == (feature.name, feature.shape, feature.dtype)
    reconstructs = of.target.task == "reconstruction"  # whose target has the input's name, which a layer has already
    assert model.layers[-1].name == ("reconstruction" if reconstructs else of.target.name)
    inputs, targets = batch_of(of)
    outputs = predict(model, inputs)
    assert outputs.shape == ((*targets.shape, of.target.size) if of.target.is_discrete else targets.shape)
    assert outputs.dtype == np.float32


@by_case
def test_one_step_of_training_is_finite_and_changes_weights(
    backend: str, signature_of: Any, batch_of: Any, name: str, kind: str, task: str
) -> None:
    import keras

    from kpipe.training.loop.losses import loss_of
    from kpipe.training.loop.masking import MaskedLoss

    of = signature_of(kind, task)
    model = default(name).build(of)
    loss = loss_of(of.target)
    model.compile(keras.optimizers.SGD(0.01), MaskedLoss(loss, of.target.is_discrete) if of.is_padded else loss)
    before = [numbers(weight) for weight in model.trainable_weights]
    assert np.isfinite(model.train_on_batch(*batch_of(of)))
    assert before
    after = [numbers(weight) for weight in model.trainable_weights]
    assert all(np.isfinite(weight).all() for weight in after)
    assert any((new != old).any() for new, old in zip(after, before, strict=True))


@by_name
def test_names_are_the_same_each_time(backend: str, signature_of: Any, name: str) -> None:
    of = first(name, signature_of)
    one, other = (default(name).build(of) for _ in range(2))
    assert one.name == other.name == name
    assert [layer.name for layer in one.layers] == [layer.name for layer in other.layers]
    assert [weight.path for weight in one.weights] == [weight.path for weight in other.weights]


@by_name
def test_same_seed_same_weights(backend: str, signature_of: Any, name: str) -> None:
    of = first(name, signature_of)

    def drawn(seed: int) -> np.ndarray:
        kpipe.backend.use(backend, seed=seed)  # type: ignore[arg-type]
        model = default(name).build(of)
        return np.concatenate([numbers(weight).ravel() for weight in model.trainable_weights])

    assert (drawn(1) == drawn(1)).all()
    assert (drawn(1) != drawn(2)).any()


@by_case
def test_saved_and_loaded_gives_the_same(
    backend: str, signature_of: Any, batch_of: Any, name: str, kind: str, task: str, tmp_path: Path
) -> None:
    import keras

    of = signature_of(kind, task)
    model, inputs = default(name).build(of), batch_of(of)[0]
    expected = predict(model, inputs)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    again = default(name).build(of)
    assert (predict(again, inputs) != expected).any()
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(predict(again, inputs), expected, rtol=1e-6, atol=1e-6)
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(predict(loaded, inputs), expected, rtol=1e-6, atol=1e-6)


LOAD_AND_PREDICT = """
import sys
from pathlib import Path

import numpy as np

import kpipe.backend
from kpipe.signature import Signature
from kpipe.signature import Task
from kpipe.spec.one_of import components

backend, folder = sys.argv[1], Path(sys.argv[2])
kpipe.backend.use(backend)
import keras

outputs = {}
for case in folder.glob("*-*-*.npz"):
    name = case.stem.split("-")[0]
    architecture = components("kpipe.models")[name]
    signature = Signature.model_validate_json(case.with_suffix(".json").read_bytes())
    model = architecture.model_validate({"type": name, **architecture.example}).build(signature)
    model.load_weights(case.with_suffix(".weights.h5"))
    arrays = np.load(case)
    inputs = {name: arrays[name] for name in arrays.files}
    fed = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    outputs[case.stem] = keras.ops.convert_to_numpy(model(fed, training=False))
np.savez(folder / f"{backend}.npz", **outputs)
"""


@pytest.mark.slow
def test_weights_written_here_give_the_same_on_the_next_backend(
    backend: str, signature_of: Any, batch_of: Any, tmp_path: Path
) -> None:
    """From one to the next around the circle: all write, all read, and all agree."""
    installed = kpipe.backend.installed()
    if len(installed) == 1:
        pytest.skip("needs a second backend")
    other = installed[(installed.index(backend) + 1) % len(installed)]
    expected = {}
    for name, kind, task in CASES:
        of = signature_of(kind, task)
        model, inputs, case = default(name).build(of), batch_of(of)[0], f"{name}-{kind}-{task}"
        model.save_weights(tmp_path / f"{case}.weights.h5")
        (tmp_path / f"{case}.json").write_text(of.model_dump_json())
        arrays = inputs if isinstance(inputs, dict) else {of.input.name: inputs}
        np.savez(tmp_path / f"{case}.npz", **arrays)
        expected[case] = predict(model, inputs)
    command = [sys.executable, "-c", LOAD_AND_PREDICT, other, str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, "KERAS_BACKEND": other}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outputs = np.load(tmp_path / f"{other}.npz")
    assert set(outputs) == set(expected)
    for case, ours in expected.items():
        scale = max(1.0, float(np.abs(ours).max()))
        np.testing.assert_allclose(outputs[case] / scale, ours / scale, atol=1e-4, err_msg=f"{case} on {other}")
