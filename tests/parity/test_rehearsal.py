"""The first steps of a training, on each backend: they are the real ones, and random layers are switched off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.pipeline import build, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.stages import train
from kpipe.training.method import Stage


def pipeline_of(model: dict[str, Any], **fit: Any) -> Any:
    from kpipe.pipeline import Pipeline

    data = {"type": "sklearn", "dataset": "iris", "batch_size": 20}
    written = {"name": "small", "data": data, "model": model, "train": {"type": "fit", **fit}}
    return checked(Pipeline, document_of(written))


def rehearsed(pipeline: Any, steps: int, folder: Path, reference: Any = None, from_reference: bool = False) -> Any:
    from kpipe.parity.rehearsal import Rehearser

    splits = load_splits(pipeline)
    rehearser = Rehearser(steps, reference, from_reference)
    stage = Stage("fit", 0, pipeline.seed, pipeline.data.batch_size, 0, folder, rehearse=rehearser)
    model = build(pipeline, splits.signature)
    trained = pipeline.train[0].train(model, splits.train, splits.validation, splits.signature, stage)
    assert (trained.steps, list(folder.iterdir())) == (steps, [])
    return rehearser.parts[0], model, splits


def test_its_losses_are_those_of_the_training(backend: str, tmp_path: Path) -> None:
    pipeline = pipeline_of({"type": "mlp", "units": [5]}, epochs=2, optimizer={"Adam": {"learning_rate": 0.01}})
    (tmp_path / "rehearsed").mkdir()
    part, after, splits = rehearsed(pipeline, 12, tmp_path / "rehearsed")
    fresh = build(pipeline, splits.signature)
    keep_last = pipeline.train[0].model_copy(update={"restore_best": False})
    history, _ = train(pipeline.model_copy(update={"train": (keep_last,)}), fresh, splits, tmp_path, [])
    steps = history[0].step
    assert history[-1].step == len(part.losses) == 12
    rows = np.array([20] * (steps - 1) + [len(splits.train) - 20 * (steps - 1)])
    for number, row in enumerate(history):
        losses = np.array(part.losses[number * steps :][:steps])
        assert row.logs["loss"] == pytest.approx((losses * rows).sum() / rows.sum(), abs=1e-6)
    for one, other in zip(after.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_gradients_are_those_of_the_loss(backend: str, tmp_path: Path) -> None:
    """Of a linear layer and cross-entropy: x^T (softmax - truth) / rows."""
    part, _, _ = rehearsed(pipeline_of({"type": "mlp", "units": []}), 1, tmp_path)
    *_, logits = part.outputs.values()
    scaled = list(part.outputs.values())[-2]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    errors = (probabilities - np.eye(3)[part.batch["1"]]) / len(logits)
    np.testing.assert_allclose(part.gradients["target/kernel"], scaled.T @ errors, atol=1e-6)
    np.testing.assert_allclose(part.gradients["target/bias"], errors.sum(axis=0), atol=1e-6)


def test_it_looks_with_the_weights_of_the_reference_and_goes_on_with_its_own(backend: str, tmp_path: Path) -> None:
    from kpipe.parity.measurement import Measurement

    pipeline = pipeline_of({"type": "mlp", "units": []})
    own, _, _ = rehearsed(pipeline, 2, tmp_path)
    doubled = {name: 2 * array for name, array in own.weights.items()}
    reference = Measurement(backend, "", 1.0, (replace(own, weights=doubled),))
    beside, _, _ = rehearsed(pipeline, 2, tmp_path, reference)
    *_, scaled, logits = beside.outputs.values()
    np.testing.assert_allclose(logits, scaled @ doubled["target/kernel"] + doubled["target/bias"], atol=1e-5)
    assert beside.losses == own.losses
    for name, array in own.weights.items():
        np.testing.assert_array_equal(beside.weights[name], array)
    from_it, _, _ = rehearsed(pipeline, 2, tmp_path, reference, from_reference=True)
    assert from_it.losses[0] != own.losses[0]


def test_another_network_is_refused(backend: str, tmp_path: Path) -> None:
    from kpipe.errors import RunFailed
    from kpipe.parity.measurement import Measurement

    one, _, _ = rehearsed(pipeline_of({"type": "mlp", "units": [5]}), 1, tmp_path)
    with pytest.raises(RunFailed, match="the network has other weights here than on the first backend"):
        rehearsed(pipeline_of({"type": "mlp", "units": [6]}), 1, tmp_path, Measurement(backend, "", 1.0, (one,)))


def test_layers_that_draw_are_named_and_switched_off_for_a_while(backend: str) -> None:
    import keras

    from kpipe.parity.random_layers import switched_off

    def numbers(training: bool) -> np.ndarray:
        return np.array(keras.ops.convert_to_numpy(model(rows, training=training)))

    rows = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    inputs = keras.Input((5, 3))
    x = keras.layers.GRU(4, recurrent_dropout=0.5, seed=0, return_sequences=True, name="gru")(inputs)
    x = keras.layers.GRU(4, seed=0, name="draws_nothing")(x)
    x = keras.layers.Dropout(0.0, name="drops_nothing")(x)
    model = keras.Model(inputs, keras.layers.Dropout(0.5, seed=0, name="dropout")(x))
    calm = numbers(training=False)
    with switched_off(model) as names:
        assert {name.split("/")[0] for name in names} == {"gru", "dropout"}
        np.testing.assert_allclose(numbers(training=True), calm, atol=1e-6)
    assert abs(numbers(training=True) - calm).max() > 1e-3
