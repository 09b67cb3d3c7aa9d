"""Which layers take PyTorch's kernels, and what stays as it is."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.models.architecture import Architecture
from kpipe.models.cnn import CNN
from kpipe.models.encoder_decoder import EncoderDecoder
from kpipe.models.rnn import RNN
from kpipe.models.stacked_autoencoder import StackedAutoencoder
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.vocabulary import Vocabulary

IMAGE = Feature(name="image", kind="image", shape=(8, 8, 1), dtype="uint8", mean=(60.0,), variance=(900.0,))
LETTERS = Vocabulary.learn(Characters(), ["abcdefgh"])
TEXT = Feature(name="text", kind="tokens", shape=(None,), dtype="int32", vocabulary=LETTERS, max_length=8)
CLASSES = Target(task="classes", names=("cat", "dog", "owl"))
OF_IMAGES, OF_TEXT = Signature(inputs=(IMAGE,), target=CLASSES), Signature(inputs=(TEXT,), target=CLASSES)
OF_TWO = Signature(
    inputs=(TEXT, TEXT.model_copy(update={"name": "previous"})),
    target=Target(task="text", vocabulary=LETTERS, max_length=8),
)
CASES: dict[str, tuple[Architecture, Signature, str]] = {
    "cnn": (CNN(filters=(4, 6), normalization="group", groups=2), OF_IMAGES, "aten::native_group_norm"),
    "rnn": (RNN(units=(5, 4), embedding=3, bidirectional=True), OF_TEXT, "aten::lstm"),
    "gru": (RNN(cell="gru", units=(5,), embedding=3, pooling="attention"), OF_TEXT, "aten::gru"),
    "encoder_decoder": (EncoderDecoder(units=4, embedding=3, layers=2), OF_TWO, "aten::lstm"),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[Architecture, Signature, str]:
    return CASES[request.param]


def built(architecture: Architecture, signature: Signature) -> Any:
    """As a pipeline builds it."""
    from kpipe.pipeline import Pipeline, build

    return build(Pipeline.model_construct(model=architecture), signature)


def inputs_of(signature: Signature) -> Any:
    rng = np.random.default_rng(3)
    tokens = rng.integers(4, LETTERS.size, (4, 6)).astype("int32")
    tokens[1, 4:] = 0
    if signature.input.kind == "image":
        return rng.integers(0, 256, (4, 8, 8, 1), dtype=np.uint8)
    return tokens if len(signature.inputs) == 1 else {feature.name: tokens for feature in signature.inputs}


def operations(model: Any, inputs: Any) -> set[str]:
    """What PyTorch was asked for in a step of training."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        model(inputs, training=True)
    return {event.name for event in profiler.events()}


def test_other_engines_compute_as_before(backend: str, case: tuple[Architecture, Signature, str]) -> None:
    from kpipe.kernels.take import words_of

    model = built(*case[:2])
    touched = [layer.name for layer in model._flatten_layers() if {"call", "inner_loop"} & vars(layer).keys()]
    assert (bool(touched), bool(words_of(model))) == (backend == "torch",) * 2


@pytest.mark.usefixtures("torch_only")
def test_a_pipeline_s_network_computes_by_them(case: tuple[Architecture, Signature, str]) -> None:
    architecture, signature, kernel = case
    inputs = inputs_of(signature)
    ours, kerass = built(architecture, signature), architecture.build(signature)
    assert kernel in operations(ours, inputs)
    assert kernel not in operations(kerass, inputs)
    kerass.set_weights(ours.get_weights())
    assert [one.path for one in ours.weights] == [one.path for one in kerass.weights]
    mine, theirs = (model(inputs, training=False).detach().numpy() for model in (ours, kerass))
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5)


@pytest.mark.usefixtures("torch_only")
def test_files_are_kerass(case: tuple[Architecture, Signature, str], tmp_path: Path) -> None:
    import keras

    architecture, signature, _ = case
    ours, kerass = built(architecture, signature), architecture.build(signature)
    ours.save(tmp_path / "ours.keras")
    kerass.save(tmp_path / "kerass.keras")
    written = [zipfile.ZipFile(tmp_path / name).read("config.json") for name in ("ours.keras", "kerass.keras")]
    assert [one.count(b"kpipe") for one in written] == [written[1].count(b"kpipe")] * 2
    loaded, inputs = keras.saving.load_model(tmp_path / "ours.keras"), inputs_of(signature)
    mine, theirs = (model(inputs, training=False).detach().numpy() for model in (ours, loaded))
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5)


@pytest.mark.usefixtures("torch_only")
def test_what_is_only_trained_beside_the_network_takes_them_too() -> None:
    from kpipe.kernels.take import words_of
    from kpipe.parts import parts_of

    model = built(StackedAutoencoder(filters=(4,), units=(5,)), OF_IMAGES)
    assert words_of(model) == {"convolutions and pooling": "PyTorch's, channels last, without copies"}
    stack = parts_of(model).stack
    assert stack is not None
    assert "call" in vars(stack.levels[0].autoencoder.get_layer("conv1_back"))


@pytest.mark.usefixtures("torch_only")
def test_layers_that_say_themselves_how_they_compute_are_left_alone() -> None:
    import keras

    from kpipe.kernels.take import take_kernels

    class Mine(keras.layers.Conv2D):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return super().call(inputs) + 1.0

    layers = [Mine(8, 3), keras.layers.Conv2D(8, 3, padding="same", data_format="channels_first")]
    layers += [keras.layers.MaxPooling2D(2, padding="same"), keras.layers.BatchNormalization(renorm=True)]
    model = keras.Sequential([keras.Input((10, 10, 8)), *layers])
    take_kernels(model)
    assert not [layer.name for layer in layers if "call" in vars(layer)]


@pytest.mark.usefixtures("torch_only")
def test_taking_them_twice_is_taking_them_once() -> None:
    from kpipe.kernels.take import take_kernels

    model = built(*CASES["cnn"][:2])
    take_kernels(model)
    convolution = model.get_layer("block1_conv1")
    by_keras = convolution.call.args[1]
    assert by_keras.func is type(convolution).call
