"""Convolutions, pooling and normalization by PyTorch's kernels: Keras's own numbers, within rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kpipe.models.cnn import CNN
from kpipe.models.stacked_autoencoder import StackedAutoencoder
from kpipe.signature import Feature, Signature, Target

pytestmark = pytest.mark.usefixtures("torch_only")
LOGITS = GRADIENTS = 1e-5
PHOTO = Feature(name="image", kind="image", shape=(13, 10, 3), dtype="float32", mean=(0.0,), variance=(1.0,))
GRAY = PHOTO.model_copy(update={"shape": (12, 11, 1)})
CLASSES = Target(task="classes", names=("cat", "dog", "owl"))
NETWORKS: dict[str, dict[str, Any]] = {
    "default": {},
    "flatten": {"head": "flatten", "dense": [7], "pooling": "average", "activation": "gelu"},
    "residual": {"filters": [[4, 4], 8], "residual": True, "strides": [2, 1], "normalization": "group", "groups": 2},
    "even kernels": {"kernel_size": [4, 2, 1], "strides": [1, 2, 1], "pooling": "none", "normalization": "layer"},
    "strides": {"kernel_size": 5, "strides": [2, 3, 1], "pooling": "none", "normalization": "instance"},
    "valid": {"padding": "valid", "pooling": "none", "normalization": "none", "weight_decay": 0.01},
    "dilated": {"dilation_rate": [2, 3, 1], "pooling": "none"},
    "separable": {"convolution": "separable", "strides": [2, 1, 1], "pooling": ["max", "average", "none"]},
    "depthwise": {"convolution": "depthwise", "filters": [6, 12], "strides": [1, 2]},
}


def pair(architecture: Any, signature: Signature) -> tuple[Any, Any]:
    """The same network with the kernels and without."""
    from kpipe.kernels.take import take_kernels, words_of

    ours, kerass = architecture.build(signature), architecture.build(signature)
    rng = np.random.default_rng(2)
    weights = [rng.uniform(0.1, 0.5, one.shape) if one.ndim == 1 else rng.normal(0, 0.2, one.shape)
               for one in ours.get_weights()]  # fmt: skip
    ours.set_weights(weights)
    kerass.set_weights(weights)
    take_kernels(ours)
    assert "convolutions and pooling" in words_of(ours)
    return ours, kerass


def images_of(feature: Feature) -> list[np.ndarray]:
    return [np.random.default_rng(3).normal(size=(6, *feature.shape)).astype("float32")]


@pytest.mark.parametrize("feature", [PHOTO, GRAY], ids=["photo", "gray"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_for_images_give_kerass_numbers(
    name: str, feature: Feature, pass_through: Any, check_close: Any
) -> None:
    network = CNN(**{"filters": (6, 8, 4), **NETWORKS[name]})
    ours, kerass = pair(network, Signature(inputs=(feature,), target=CLASSES))
    for training in (True, False):
        mine, theirs = (pass_through(model, images_of(feature), training) for model in (ours, kerass))
        check_close(mine, theirs, LOGITS)
    for moved, theirs in zip(ours.non_trainable_variables, kerass.non_trainable_variables, strict=True):
        np.testing.assert_allclose(np.array(moved), np.array(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_a_convolutional_autoencoder_gives_kerass_numbers(size: int, pass_through: Any, check_close: Any) -> None:
    target = Target(name="image", task="reconstruction", names=("x",), mean=(0.0,), variance=(1.0,))
    signature = Signature(inputs=(PHOTO,), target=target, given=CLASSES)
    network = StackedAutoencoder(output="reconstruction", filters=(4, 6), kernel_size=size, units=(5,))
    ours, kerass = pair(network, signature)
    mine, theirs = (pass_through(model, images_of(PHOTO), True) for model in (ours, kerass))
    check_close(mine, theirs, LOGITS)


@pytest.mark.parametrize(
    ("policy", "tolerance"), [("float64", 1e-5), ("mixed_bfloat16", 0.05), ("mixed_float16", 5e-3)]
)
def test_other_precisions(policy: str, tolerance: float, pass_through: Any, check_close: Any) -> None:
    import keras

    from kpipe.kernels.take import take_kernels

    def network() -> Any:
        kinds: dict[Any, dict[str, Any]] = {
            keras.layers.Conv2D: {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2},
            keras.layers.SeparableConv2D: {"filters": 6, "kernel_size": 3},
            keras.layers.GroupNormalization: {"groups": 2},
            keras.layers.MaxPooling2D: {"pool_size": 2},
            keras.layers.Conv2DTranspose: {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"},
        }
        return keras.Sequential([keras.Input((13, 10, 3)), *(kind(dtype=policy, **own) for kind, own in kinds.items())])

    ours, kerass = network(), network()
    kerass.set_weights(ours.get_weights())
    take_kernels(ours)
    assert sum("call" in vars(layer) for layer in ours.layers) == 5
    mine, theirs = (pass_through(model, images_of(PHOTO), True) for model in (ours, kerass))
    check_close(mine, theirs, tolerance)
