"""What a stacked autoencoder is made of, what of it is shared, and what of a pipeline does not go with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.errors import SpecError, WrongInput
from kpipe.models.stacked_autoencoder import StackedAutoencoder
from kpipe.parts import parts_of
from kpipe.pipeline import Pipeline
from kpipe.spec.check import checked
from kpipe.spec.document import document_of

DIGITS = {"type": "sklearn", "dataset": "digits"}


def autoencoder(**fields: Any) -> StackedAutoencoder:
    return StackedAutoencoder.model_validate({"units": [20, 5], **fields})


def numbers(tensor: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor))


def test_layers_and_parameters_are_those_of_the_definition(backend: str, signature_of: Any) -> None:
    model = autoencoder().build(signature_of("image", "reconstruction"))
    sizes = {layer.name: layer.count_params() for layer in model.layers if layer.count_params()}
    assert sizes == {"dense1": 121 * 20, "code": 21 * 5, "code_back": 6 * 20, "dense1_back": 21 * 120}
    tied = autoencoder(tied=True).build(signature_of("image", "reconstruction"))
    assert tied.count_params() == 121 * 20 + 21 * 5 + 20 + 120
    classifier = autoencoder().build(signature_of("image", "classes"))
    assert [layer.name for layer in classifier.layers if layer.count_params()] == ["dense1", "code", "target"]


def test_convolutions_halve_the_sides_and_come_back_to_odd_ones(backend: str, signature_of: Any) -> None:
    model = autoencoder(filters=[4, 8]).build(signature_of("image", "reconstruction"))  # 12 x 10
    sides = {name: model.get_layer(name).output.shape[1:] for name in ("conv1", "conv2", "conv2_crop", "conv1_back")}
    assert sides == {"conv1": (6, 5, 4), "conv2": (3, 3, 8), "conv2_crop": (6, 5, 4), "conv1_back": (12, 10, 1)}
    assert model.output.shape[1:] == (12, 10, 1)


@pytest.mark.parametrize("kind", ["image", "vector"])
@pytest.mark.parametrize("fields", [{}, {"tied": True}, {"scaling": "standardize", "dropout": 0.5, "sparsity": 0.1}])
def test_the_stack_shares_the_layers_of_the_network(
    backend: str, signature_of: Any, batch_of: Any, kind: str, fields: dict[str, Any]
) -> None:
    model = autoencoder(**fields).build(signature_of(kind, "classes"))
    inputs = batch_of(signature_of(kind, "classes"))[0]
    stack = parts_of(model).stack
    assert stack is not None
    assert [level.name for level in stack.levels] == ["dense1", "code"]
    head = model.get_layer("target")
    np.testing.assert_allclose(numbers(head(stack.encoder(inputs))), numbers(model(inputs)), atol=1e-5)
    for level in stack.levels:
        assert level.autoencoder(level.below(inputs)).shape == level.below(inputs).shape
    inner = stack.levels[1]
    rebuilt = stack.levels[0].autoencoder.layers[-1]  # the last layer of the outermost decoder
    assert rebuilt in stack.autoencoder.layers
    assert inner.autoencoder.get_layer("code") is model.get_layer("code") is stack.autoencoder.get_layer("code")
    assert stack.autoencoder(inputs).shape == inputs.shape


def test_the_reconstruction_is_in_the_unit_of_the_input(backend: str, signature_of: Any, batch_of: Any) -> None:
    of = signature_of("vector", "reconstruction")
    model = autoencoder().build(of)
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    means = np.broadcast_to(of.input.mean, (4, 3))
    np.testing.assert_allclose(numbers(model(batch_of(of)[0])), means, rtol=1e-5)
    images = signature_of("image", "reconstruction")
    model = autoencoder().build(images)
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    assert numbers(model(batch_of(images)[0])) == pytest.approx(127.5)


def test_the_input_is_damaged_in_training_of_autoencoders_alone(backend: str, signature_of: Any, batch_of: Any) -> None:
    of = signature_of("image", "classes")
    for noise in ("masking", "gaussian", "salt_and_pepper"):
        model = autoencoder(corruption={"type": noise}).build(of)
        inputs, stack = batch_of(of)[0], parts_of(model).stack
        assert stack is not None
        assert (numbers(model(inputs, training=True)) == numbers(model(inputs))).all()
        clean = numbers(stack.autoencoder(inputs))
        assert (clean == numbers(stack.autoencoder(inputs))).all()
        assert (clean != numbers(stack.autoencoder(inputs, training=True))).any()
        scaled = stack.levels[0].below(inputs, training=True)
        assert (numbers(scaled) == numbers(stack.levels[0].below(inputs))).all()


@pytest.mark.parametrize(
    ("activation", "low"), [("tanh", -1.0), ("hard_tanh", -1.0), ("softsign", -1.0), ("sigmoid", 0.0), ("relu", 0.0)]
)
def test_pepper_in_hidden_layers_is_the_least_that_they_give(
    backend: str, signature_of: Any, activation: str, low: float
) -> None:
    made = autoencoder(corruption={"type": "salt_and_pepper"}, activation=activation)
    stack = parts_of(made.build(signature_of("vector", "classes"))).stack
    assert stack is not None
    first, second = (level.autoencoder.get_layer(f"{level.name}_corruption") for level in stack.levels[:2])
    assert (first.low, first.high) == (-2.0, 2.0)
    assert (second.low, second.high) == (low, 1.0)


@pytest.mark.parametrize("fields", [{"tied": True, "filters": [4]}, {"tied": True, "scaling": "standardize"}])
def test_saved_and_loaded_tied_and_damaged_gives_the_same(
    backend: str, signature_of: Any, batch_of: Any, tmp_path: Path, fields: dict[str, Any]
) -> None:
    import keras

    of = signature_of("image", "reconstruction")
    made = autoencoder(corruption={"type": "salt_and_pepper"}, dropout=0.1, sparsity=0.1, **fields)
    model, inputs = made.build(of), batch_of(of)[0]
    expected = numbers(model(inputs))
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    again = made.build(of)
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(numbers(again(inputs)), expected, rtol=1e-5, atol=1e-3)  # of 255
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(numbers(loaded(inputs)), expected, rtol=1e-5, atol=1e-3)


def test_the_target_becomes_the_input(signature_of: Any) -> None:
    of = signature_of("vector", "values")
    learned = autoencoder(output="reconstruction").adapt(of)
    assert learned.target.task == "reconstruction"
    assert learned.target.name == of.input.name
    assert (learned.target.mean, learned.target.variance) == (of.input.mean, of.input.variance)
    assert learned.target.names == ("x1", "x2", "x3")
    assert learned.given == of.target
    assert autoencoder().adapt(of) is of


def test_filters_are_for_images(signature_of: Any) -> None:
    with pytest.raises(WrongInput, match=r"model\.filters: convolutions are for images"):
        autoencoder(filters=[4]).build(signature_of("vector"))


def mistakes(**sections: Any) -> str:
    with pytest.raises(SpecError) as caught:
        checked(Pipeline, document_of({"name": "test", "data": DIGITS, **sections}))
    return "\n".join(f"{'.'.join(map(str, one.path))}: {one.message} {one.hint}" for one in caught.value.mistakes)


def test_check_refuses_methods_that_need_autoencoders() -> None:
    found = mistakes(
        model={"type": "cnn"}, train=["pretrain_layerwise", {"type": "fit", "objective": "reconstruction"}]
    )
    assert "`pretrain_layerwise`, as it is set here, needs a model made of autoencoders: `cnn` is none" in found
    assert "`fit`, as it is set here" in found
    assert "models that fit: stacked_autoencoder" in found


def test_check_knows_the_pictures_of_what_is_learned() -> None:
    model = {"type": "stacked_autoencoder", "output": "reconstruction"}
    pictures = {"plots": ["reconstructions", "denoised", "code", "learning_curves"]}
    document = document_of({"name": "a", "data": DIGITS, "model": model, "train": "fit", "evaluate": pictures})
    assert checked(Pipeline, document).model.learns("classes") == "reconstruction"
    wrong = mistakes(model=model, train="fit", evaluate={"plots": ["confusion_matrix"]})
    assert "`confusion_matrix` does not fit the task reconstruction" in wrong


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ({"type": "gaussian", "rate": 0.2}, "`gaussian` noise has no rate"),
        ({"type": "masking", "stddev": 0.2}, "`masking` noise has no stddev"),
    ],
)
def test_noise_has_the_amount_of_its_type(noise: dict[str, Any], message: str) -> None:
    assert message in mistakes(model={"type": "stacked_autoencoder", "corruption": noise}, train="fit")
