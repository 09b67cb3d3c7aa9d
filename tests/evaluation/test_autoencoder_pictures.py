"""Pictures and words about reconstructions, which need a model: on every backend."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kpipe.data.splits import ArraySplit
from kpipe.evaluation.drawing import png
from kpipe.evaluation.evaluate import Evaluate, gather
from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.mistakes import rows, verdict
from kpipe.evaluation.plots.code import Code, in_a_plane
from kpipe.evaluation.plots.denoised import Denoised
from kpipe.models.stacked_autoencoder import StackedAutoencoder
from kpipe.signature import Feature, Signature, Target

IMAGE = Feature(name="image", kind="image", shape=(6, 5, 1), dtype="uint8", mean=(127.0,), variance=(5000.0,))
VECTOR = Feature(name="row", kind="vector", shape=(4,), dtype="float32", mean=(0.0,) * 4, variance=(1.0,) * 4)
CLASSES = Target(name="kind", task="classes", names=("cat", "dog", "emu"))
VALUES = Target(name="price", task="values", names=("price",), mean=(0.0,), variance=(1.0,))


def evidence(feature: Feature = IMAGE, target: Target = CLASSES, **fields: Any) -> Evidence:
    generator = np.random.default_rng(0)
    inputs = generator.integers(0, 256, (30, *feature.shape)).astype(feature.dtype)
    targets = (
        np.arange(30, dtype="int32") % 3 if target is CLASSES else generator.normal(size=(30, 1)).astype("float32")
    )
    architecture = StackedAutoencoder.model_validate({"units": [8, 3], **fields})
    signature = architecture.adapt(Signature(inputs=(feature,), target=target))
    return gather(architecture.build(signature), ArraySplit({feature.name: inputs, target.name: targets}), signature)


def opened(figure: Any) -> Image.Image:
    return Image.open(io.BytesIO(png(figure)))


@pytest.mark.parametrize("feature", [IMAGE, VECTOR])
@pytest.mark.parametrize("target", [CLASSES, VALUES])
@pytest.mark.parametrize("output", ["target", "reconstruction"])
def test_the_code_is_drawn_whatever_is_learned(backend: str, feature: Feature, target: Target, output: str) -> None:
    found = evidence(feature, target, output=output)
    figure = Code().draw(found)
    assert figure is not None
    assert "of its variance" in figure.axes[0].get_xlabel()
    words = {text.get_text() for text in figure.axes[0].texts}
    assert words == (set(CLASSES.names) if target is CLASSES else set())
    assert opened(figure).width == 900


@pytest.mark.parametrize("units", [1, 2])
def test_a_code_of_one_or_two_numbers_is_drawn_as_it_is(backend: str, units: int) -> None:
    figure = Code().draw(evidence(units=[units]))
    assert figure is not None
    assert figure.axes[0].get_xlabel() == "first number of the code"


def test_principal_components_are_those_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    code = np.random.default_rng(0).normal(size=(50, 6)) * np.arange(1, 7)
    expected = PCA(2).fit(code)
    places, labels = in_a_plane(code)
    np.testing.assert_allclose(np.abs(places), np.abs(expected.transform(code)), atol=1e-9)
    assert f"{expected.explained_variance_ratio_[0]:.0%}" in labels[0]


@pytest.mark.parametrize("noise", ["masking", "gaussian", "salt_and_pepper"])
def test_damaged_images_are_drawn_the_same_each_time(backend: str, noise: str) -> None:
    found = evidence(output="reconstruction", corruption={"type": noise})
    first, second = (Denoised().draw(found) for _ in range(2))
    assert first is not None
    assert second is not None
    assert png(first) == png(second)
    assert Denoised().draw(evidence(output="reconstruction")) is None


def test_what_is_denoised_is_the_damaged_input(backend: str) -> None:
    from kpipe.evaluation.denoising import denoise

    images = np.full((40, 6, 5, 1), 200, "uint8")
    found = denoise(evidence(output="reconstruction", corruption={"type": "masking", "rate": 0.4}).model, images)
    assert found is not None
    assert set(np.unique(np.rint(found.damaged))) == {0.0, 200.0}
    assert (found.damaged == 0).mean() == pytest.approx(0.4, abs=0.05)
    assert found.denoised.shape == images.shape
    assert found.denoised.std() > 0


def test_every_default_picture_and_metric_of_a_reconstruction(backend: str) -> None:
    found = evidence(output="reconstruction", corruption={"type": "masking"})
    assert [name for name, _ in Evaluate().draw(found)] == ["code", "denoised", "reconstructions"]
    measured = Evaluate().measure(found)
    error = ((found.outputs.astype("float64") - found.targets) ** 2).mean()
    assert measured["rmse"] == pytest.approx(error**0.5)
    assert measured["reconstruction_error"] == pytest.approx(error / 5000)
    assert measured["mae"] == pytest.approx(np.abs(found.outputs - found.targets).mean())


def test_the_verdict_of_a_reconstruction(backend: str) -> None:
    found = evidence(output="reconstruction")
    off = np.abs(found.outputs - found.targets).mean()
    assert verdict(found).startswith(f"On average over 30 test examples, pixels are off by {off:.3g}; ")
    assert verdict(found).endswith(" % of the inputs' variance is lost.")
    assert rows(found) == []
    assert "pixels" not in verdict(evidence(VECTOR, output="reconstruction"))
