"""Gradients and heat maps, on each backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kpipe.evaluation.drawing import png
from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.plots.grad_cam import GradCam, over


def detector(residual: bool = False) -> Any:
    """Says 1 where the left half is bright, 0 where the right half is: by weights set by hand."""
    import keras

    inputs = keras.Input((8, 8, 1), dtype="uint8", name="x")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = stem = keras.layers.Conv2D(2, 1, use_bias=False, name="conv")(x)
    if residual:
        x = keras.layers.Conv2D(2, 1, use_bias=False, name="inner")(x)
        x = keras.layers.Add(name="add")([x, stem])
    columns = keras.layers.AveragePooling2D((8, 4), name="halves")(x)
    logits = keras.layers.Dense(2, use_bias=False, name="y")(keras.layers.Flatten()(columns))
    model = keras.Model(inputs, logits)
    model.get_layer("conv").set_weights([np.ones((1, 1, 1, 2), "float32")])
    if residual:
        model.get_layer("inner").set_weights([np.zeros((1, 1, 2, 2), "float32")])
    model.get_layer("y").set_weights([np.float32([[0, 1], [0, 1], [1, 0], [1, 0]])])
    return model


def test_gradients_are_those_of_each_examples_own_output(backend: str) -> None:
    import keras

    from kpipe.evaluation.gradients import gradients

    inputs = keras.Input((3,))
    dense = keras.layers.Dense(2)
    model = keras.Model(inputs, dense(keras.layers.Activation(keras.ops.square)(inputs)))
    x = np.float32([[1, 2, 3], [4, 5, 6]])
    found = gradients(model, x, np.array([1, 0]))
    kernel = dense.get_weights()[0]
    np.testing.assert_allclose(found, 2 * x * kernel[:, [1, 0]].T, rtol=1e-5)


def test_heat_is_where_the_output_comes_from(backend: str) -> None:
    from kpipe.evaluation.class_activation import heat_maps

    images = np.zeros((2, 8, 8, 1), "uint8")
    images[:, 2, 1] = images[:, 5, 6] = 200
    heat = heat_maps(detector(), images, np.array([1, 0]))
    assert heat is not None
    assert heat.shape == (2, 8, 8)
    assert heat.min() >= 0
    assert heat.max() == pytest.approx(1)
    assert set(map(tuple, np.argwhere(heat[0] > 0.5))) == {(2, 1), (5, 6)}
    assert (heat_maps(detector(), np.zeros((1, 8, 8, 1), "uint8"), np.array([0])) == 0).all()


def test_the_last_fine_maps_that_all_else_depends_on_are_taken(backend: str) -> None:
    from kpipe.evaluation.class_activation import cut

    body, _ = cut(detector())
    assert [layer.name for layer in body.layers][-1] == "conv"
    body, head = cut(detector(residual=True))
    assert "add" in [layer.name for layer in body.layers]
    assert "add" not in [layer.name for layer in head.layers]


def test_a_network_without_feature_maps_has_no_heat(backend: str, make_guessed: Callable[..., Evidence]) -> None:
    import keras

    from kpipe.evaluation.class_activation import cut

    inputs = keras.Input((8, 8, 1), dtype="uint8", name="x")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(4, name="y")(x))
    assert cut(model) is None
    evidence = make_guessed("classes")
    assert GradCam().draw(Evidence(**{**vars_of(evidence), "model": model})) is None


@pytest.mark.parametrize("right", ["some", "all", "none"])
def test_draws_right_and_wrong_predictions(backend: str, make: Callable[..., Evidence], right: str) -> None:
    targets = np.int32([0, 1, 0, 1])
    read = {"some": [0, 1, 1, 0], "all": targets, "none": 1 - targets}[right]
    evidence = make("classes", targets, 5.0 * np.eye(2)[read], ("left", "right"), model=detector())
    figure = GradCam(count=2).draw(evidence)
    assert figure is not None
    assert len(figure.axes[0].images) == 2 * (4 if right == "some" else 2)
    assert png(figure).startswith(b"\x89PNG")


def test_cold_places_keep_the_image_and_hot_ones_take_colour() -> None:
    image = np.full((8, 8, 3), 100, "uint8")
    heat = np.zeros((8, 8), "float32")
    heat[0, 0] = 1
    mixed = over(image, heat)
    assert mixed.shape == (64, 64, 3)
    assert (mixed[-1, -1] == 100).all()
    assert mixed[0, 0, 0] > mixed[0, 0, 2] + 30


def vars_of(evidence: Evidence) -> dict[str, Any]:
    return {name: getattr(evidence, name) for name in Evidence.__dataclass_fields__}


def test_layers_of_several_outputs_are_no_feature_maps(backend: str) -> None:
    import keras

    from kpipe.evaluation.class_activation import heat_maps

    inputs = keras.Input((8, 8, 1), name="x")
    rows = keras.layers.Reshape((8, 8))(keras.layers.Dense(1)(inputs))
    _, state = keras.layers.GRU(3, return_sequences=True, return_state=True)(rows)
    model = keras.Model(inputs, keras.layers.Dense(2, name="y")(state))
    assert heat_maps(model, np.zeros((2, 8, 8, 1), "float32"), np.array([0, 1])) is not None
