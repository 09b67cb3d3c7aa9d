"""A model's outputs beside the truth, on each backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kpipe.data.splits import ArraySplit
from kpipe.errors import Diverged, WrongInput
from kpipe.evaluation import forward
from kpipe.evaluation.evaluate import gather
from kpipe.evaluation.forward import batches, example_losses, predict, probabilities
from kpipe.signature import Signature


def digits(count: int) -> ArraySplit:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, 4, 4, 1)).astype("uint8")
    return ArraySplit({"x": images, "y": generator.integers(0, 3, count).astype("int32")})


def network(outputs: int = 3) -> Any:
    import keras

    inputs = keras.Input((4, 4, 1), dtype="uint8", name="x")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Dropout(0.5, seed=1)(x)
    return keras.Model(inputs, keras.layers.Dense(outputs, name="y")(x))


@pytest.fixture
def signature(make_signature: Any) -> Signature:
    found = make_signature("classes", ("a", "b", "c"), (4, 4, 1))
    assert isinstance(found, Signature)
    return found


@pytest.mark.parametrize("batch_size", [1, 4, 10, 64])
def test_batches_cover_everything_once_in_one_shape(batch_size: int) -> None:
    shapes, seen = set(), []
    for indices, count in batches(digits(10), batch_size):
        shapes.add(len(indices))
        seen += indices[:count].tolist()
    assert seen == list(range(10))
    assert len(shapes) == 1


def test_outputs_do_not_depend_on_the_batch_size(backend: str, signature: Signature) -> None:
    model, split = network(), digits(10)
    whole, targets = predict(model, split, signature, 10)
    assert whole.shape == (10, 3)
    assert whole.dtype == np.float32
    assert targets is not None
    assert np.array_equal(targets, split.arrays["y"])
    for batch_size in (3, 64):
        np.testing.assert_allclose(predict(model, split, signature, batch_size)[0], whole, atol=1e-6)


def test_evidence_holds_probabilities_and_losses(backend: str, signature: Signature) -> None:
    model, split = network(), digits(7)
    logits, _ = predict(model, split, signature, 4)
    evidence = gather(model, split, signature, "validation", 4)
    np.testing.assert_allclose(evidence.outputs.sum(axis=1), 1, atol=1e-12)
    assert np.array_equal(evidence.predicted, logits.argmax(axis=1))
    chosen = evidence.outputs[np.arange(7), evidence.targets]
    np.testing.assert_allclose(evidence.losses, -np.log(chosen), atol=1e-6)
    assert evidence.split_name == "validation"


def test_a_compiled_model_gives_the_same(backend: str, signature: Signature) -> None:
    model, split = network(), digits(5)
    before, _ = predict(model, split, signature, 4)
    model.compile("sgd", "mse", jit_compile=False)
    np.testing.assert_allclose(predict(model, split, signature, 4)[0], before, atol=1e-6)


def test_what_cannot_be_evaluated_is_said(backend: str, signature: Signature) -> None:
    model, split = network(), digits(4)
    with pytest.raises(WrongInput, match="no targets"):
        gather(model, ArraySplit({"x": split.arrays["x"]}), signature)
    with pytest.raises(WrongInput, match="no test examples"):
        gather(model, digits(0), signature)
    model.layers[-1].kernel.assign(np.full((16, 3), np.nan))
    with pytest.raises(Diverged, match="not all finite"):
        gather(model, split, signature)


def test_extreme_logits_neither_overflow_nor_vanish() -> None:
    logits = np.float32([[1000, -1000, 0], [-1000, -1000, -1000]])
    np.testing.assert_allclose(probabilities(logits, "classes"), [[1, 0, 0], [1 / 3] * 3])
    np.testing.assert_allclose(probabilities(logits, "labels"), [[1, 0, 0.5], [0, 0, 0]])
    np.testing.assert_allclose(example_losses(logits, np.int32([1, 0]), "classes"), [2000, np.log(3)])
    labels = np.float32([[1, 1, 1], [0, 0, 0]])
    np.testing.assert_allclose(example_losses(logits, labels, "labels"), [(1000 + np.log(2)) / 3, 0], rtol=1e-6)
    assert np.array_equal(probabilities(logits, "values"), logits)
    np.testing.assert_allclose(example_losses(np.float32([[1, 3]]), np.float32([[0, 0]]), "values"), [5])


def test_many_outputs_lie_in_a_file_and_are_the_same(
    backend: str, signature: Signature, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, split = network(), digits(10)
    held, targets = predict(model, split, signature, 4)
    assert targets is not None
    losses = example_losses(held, targets, "classes")
    monkeypatch.setattr(forward, "HELD_BYTES", 0)
    monkeypatch.setattr(forward, "CHUNK", 1)
    filed, again = predict(model, split, signature, 4)
    assert again is not None
    assert held.flags.owndata
    assert not filed.flags.owndata
    assert np.array_equal(held, filed)
    assert np.array_equal(targets, again)
    assert np.array_equal(losses, example_losses(filed, again, "classes"))
