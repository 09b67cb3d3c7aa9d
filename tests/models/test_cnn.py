"""The convolutional network: its fields, what it refuses, and what its layers do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from kpipe.errors import WrongInput
from kpipe.models.cnn import CNN
from kpipe.signature import Feature, Signature, Target


def cnn(**fields: Any) -> CNN:
    return CNN.model_validate({"type": "cnn", **fields})


def image(height: int, width: int, channels: int = 1) -> Feature:
    shape = (height, width, channels)
    return Feature(
        name="image", kind="image", shape=shape, dtype="uint8", mean=(9.0,) * channels, variance=(4.0,) * channels
    )


def classes_of(feature: Feature) -> Signature:
    return Signature(inputs=(feature,), target=Target(task="classes", names=("a", "b")))


def problems(**fields: Any) -> list[tuple[Any, str]]:
    with pytest.raises(ValidationError) as caught:
        cnn(**fields)
    return [(problem.path, problem.message) for error in caught.value.errors() for problem in error["ctx"]["problems"]]


def parameters(model: Any) -> dict[str, int]:
    return {layer.name: layer.count_params() for layer in model.layers if layer.count_params()}


def test_a_list_gives_one_value_per_block() -> None:
    one, two, three = cnn(filters=[8, [16, 16], 4], kernel_size=[3, 5, 1], pooling=["max", "average", "none"]).blocks()
    assert (one.filters, two.filters, three.filters) == ((8,), (16, 16), (4,))
    assert (one.kernel_size, two.kernel_size, three.kernel_size) == (3, 5, 1)
    assert (one.pooling, two.pooling, three.pooling) == ("max", "average", "none")
    assert one.pool_size == two.pool_size == 2


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"kernel_size": [3, 3]}, ("kernel_size",), "2 values for 3 blocks"),
        ({"filters": [8, []]}, ("filters", 1), "a block without convolutions"),
        ({"strides": 2, "dilation_rate": [1, 1, 2]}, ("dilation_rate",), "block 3 has strides and dilation above 1"),
        ({"residual": True, "padding": "valid", "filters": [8]}, ("residual",), "block 1 shrinks its input"),
        ({"normalization": "group", "filters": [12]}, ("groups",), "12 filters do not divide into 8 groups"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields: Any, path: Any, message: str) -> None:
    assert problems(**fields) == [(path, message)]


@pytest.mark.parametrize(
    "fields",
    [
        {"resize": ["32", "32"]},
        {"resize": [32]},
        {"filters": []},
        {"filters": ["32"]},
        {"filters": [0]},
        {"dropout": 1.0},
        {"activation": "rellu"},
        {"augmentation": {"rotation": 2.0}},
        {"pooling": "maximum"},
    ],
)
def test_values_out_of_range_are_refused(fields: Any) -> None:
    with pytest.raises(ValidationError):
        cnn(**fields)


def test_a_map_that_shrinks_to_nothing_is_refused_with_its_arithmetic() -> None:
    with pytest.raises(WrongInput) as caught:
        cnn(filters=[8, 8, 8, 8]).check(classes_of(image(9, 8)))
    assert caught.value.message == (
        "model.pool_size: the pooling of block 4 shrinks the height to nothing: floor((1 - 2) / 2) + 1 = 0"
    )
    assert "9 -> 9 -> 4 -> 4 -> 2 -> 2 -> 1 -> 1" in caught.value.hint
    with pytest.raises(WrongInput, match=r"model.kernel_size: the convolution of block 2 .* width .*\(3 - 5\) / 1"):
        cnn(filters=[8, 8], kernel_size=5, padding="valid").check(classes_of(image(40, 10)))


def test_resize_is_what_counts() -> None:
    cnn(filters=[8, 8, 8, 8], resize=[16, 16]).check(classes_of(image(9, 8)))
    with pytest.raises(WrongInput, match="height"):
        cnn(resize=[4, 4]).check(classes_of(image(100, 100)))


def test_depthwise_filters_are_multiples() -> None:
    cnn(convolution="depthwise", filters=[6, 12]).check(classes_of(image(8, 8, 3)))
    with pytest.raises(WrongInput, match=r"block 2 cannot make 9 channels of 6 .* 9 / 6 is not whole"):
        cnn(convolution="depthwise", filters=[6, 9]).check(classes_of(image(8, 8, 3)))


def test_two_channels_cannot_become_rgb() -> None:
    with pytest.raises(WrongInput, match="images of 2 channels"):
        cnn(channels="rgb").check(classes_of(image(8, 8, 2)))


@pytest.mark.parametrize("normalization", ["batch", "layer", "instance", "group", "none"])
@pytest.mark.parametrize("convolution", ["standard", "separable", "depthwise"])
def test_every_combination_builds(backend: str, signature_of: Any, normalization: str, convolution: str) -> None:
    of = signature_of()
    model = cnn(
        filters=[[8, 8], 16], normalization=normalization, convolution=convolution, residual=True,
        strides=[2, 1], pooling="average", spatial_dropout=0.1, weight_decay=1e-4, dense=[8], dropout=0.2,
        head="flatten",
    ).build(of)  # fmt: skip
    assert model.output.shape == (None, of.target.size)
    assert len(model.losses) == {"standard": 7, "separable": 10, "depthwise": 7}[convolution]


def test_residual_blocks_project_only_where_shapes_differ(backend: str, signature_of: Any) -> None:
    model = cnn(filters=[1, 4, 4], residual=True, pooling="none").build(signature_of())
    names = {layer.name for layer in model.layers}
    assert {"block1_add", "block2_add", "block3_add", "block2_shortcut"} <= names
    assert not {"block1_shortcut", "block3_shortcut"} & names


def test_parameters_are_those_of_the_formula(backend: str, signature_of: Any) -> None:
    model = cnn(filters=[8, 4], kernel_size=[5, 3]).build(signature_of())
    assert parameters(model) == {
        "block1_conv1": 5 * 5 * 1 * 8 + 8,
        "block1_norm1": 4 * 8,
        "block2_conv1": 3 * 3 * 8 * 4 + 4,
        "block2_norm1": 4 * 4,
        "target": 4 * 4 + 4,
    }


def prepared(signature: Any, inputs: np.ndarray, training: bool, **fields: Any) -> np.ndarray:
    """What the first convolution is given."""
    import keras

    model = cnn(filters=[4], **fields).build(signature)
    until = keras.Model(model.input, model.get_layer("block1_conv1").input)
    return np.array(keras.ops.convert_to_numpy(until(inputs, training=training)))


def test_inputs_are_scaled(backend: str, signature_of: Any, batch_of: Any) -> None:
    of = signature_of()
    inputs = batch_of(of)[0]
    raw = inputs.astype("float64")
    np.testing.assert_allclose(prepared(of, inputs, False), (raw - 60.0) / 30.0, atol=1e-5)
    np.testing.assert_allclose(prepared(of, inputs, False, scaling="rescale"), raw / 255, atol=1e-6)
    np.testing.assert_allclose(prepared(of, inputs, False, scaling="none"), raw)


def test_gray_becomes_rgb_by_repeating_it(backend: str, signature_of: Any, batch_of: Any) -> None:
    inputs = batch_of(signature_of())[0]
    found = prepared(signature_of(), inputs, False, channels="rgb", resize=[6, 5])
    assert found.shape == (4, 6, 5, 3)
    assert (found[..., 0] == found[..., 1]).all()
    assert (found[..., 0] == found[..., 2]).all()


def test_resizing_is_done_in_floats(backend: str, signature_of: Any, batch_of: Any) -> None:
    of = signature_of()
    white = np.full((1, *of.input.shape), 255, "uint8")
    np.testing.assert_allclose(prepared(of, white, False, resize=[31, 23], scaling="none"), 255.0, atol=1e-3)
    found = prepared(of, batch_of(of)[0], False, resize=[24, 20], scaling="none")
    assert np.abs(found - found.round()).max() > 0.1
    moved = prepared(of, white, True, scaling="none", augmentation={"rotation": 0.2, "zoom": 0.3})
    np.testing.assert_allclose(moved, 255.0, atol=1e-2)


EVERYTHING = {"rotation": 0.1, "translation": 0.2, "zoom": 0.2, "flip": "both", "brightness": 0.5, "contrast": 0.3}


@pytest.mark.parametrize("change", EVERYTHING)
def test_augmentation_changes_images_in_training_only(
    backend: str, signature_of: Any, batch_of: Any, change: str
) -> None:
    inputs = batch_of(signature_of())[0]
    augmentation = {change: EVERYTHING[change]}
    plain = prepared(signature_of(), inputs, False)
    np.testing.assert_allclose(prepared(signature_of(), inputs, False, augmentation=augmentation), plain)
    assert np.abs(prepared(signature_of(), inputs, True, augmentation=augmentation) - plain).max() > 0.01


@pytest.mark.parametrize(("scaling", "deviation"), [("standardize", 1.0), ("rescale", 30.0 / 255), ("none", 30.0)])
def test_brightness_shifts_by_deviations_of_train(
    backend: str, signature_of: Any, scaling: str, deviation: float
) -> None:
    inputs = np.random.default_rng(0).integers(0, 256, (64, 12, 10, 1), dtype=np.uint8)
    plain = prepared(signature_of(), inputs, False, scaling=scaling)
    bright = prepared(signature_of(), inputs, True, scaling=scaling, augmentation={"brightness": 0.5})
    shifts = (bright - plain) / deviation
    each = shifts.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(shifts, np.broadcast_to(each[:, None, None, None], shifts.shape), atol=1e-3)
    assert np.abs(each).max() <= 0.5 + 1e-3
    assert np.abs(each).max() > 0.3
    assert each.min() < 0 < each.max()


def test_contrast_keeps_the_mean(backend: str, signature_of: Any) -> None:
    inputs = np.random.default_rng(0).integers(0, 256, (32, 12, 10, 1), dtype=np.uint8)
    plain = prepared(signature_of(), inputs, False)
    changed = prepared(signature_of(), inputs, True, augmentation={"contrast": 0.4})
    np.testing.assert_allclose(changed.mean(axis=(1, 2, 3)), plain.mean(axis=(1, 2, 3)), atol=1e-4)
    ratio = changed.std(axis=(1, 2, 3)) / plain.std(axis=(1, 2, 3))
    assert 0.6 - 1e-3 <= ratio.min() < 0.9
    assert 1.1 < ratio.max() <= 1.4 + 1e-3


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "float32"])
def test_outputs_are_float32_at_any_precision(backend: str, signature_of: Any, precision: str) -> None:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model = cnn(filters=[4]).build(signature_of())
        assert model.get_layer("block1_conv1").compute_dtype == precision.removeprefix("mixed_")
        assert keras.backend.standardize_dtype(model(np.zeros((2, 12, 10, 1), "uint8")).dtype) == "float32"
        assert model.get_layer("standardize").compute_dtype == "float32"
    finally:
        keras.config.set_dtype_policy(before)
