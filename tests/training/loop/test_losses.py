from __future__ import annotations

import numpy as np
import pytest

from kpipe.signature import Target

CLASSES = Target(name="y", task="classes", names=("a", "b", "c"))
LABELS = Target(name="y", task="labels", names=("a", "b"))
VALUES = Target(name="y", task="values", names=("a", "b"), mean=(0.0, 1.0), variance=(4.0, 0.0))


def loss(target, truth, output, smoothing=0.0):
    from kpipe.training.loop.losses import loss_of

    return float(loss_of(target, smoothing)(truth, output))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_smoothed_crossentropy_is_that_of_smoothed_targets(backend, smoothing):
    import keras

    logits = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    classes = np.arange(8, dtype="int32") % 3
    expected = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)(
        np.eye(3, dtype="float32")[classes], logits
    )
    assert loss(CLASSES, classes, logits, smoothing) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_labels(backend, smoothing):
    logits = np.float32([[2.0, -1.0], [0.5, 3.0]])
    truth = np.float32([[1, 0], [0, 1]])
    smoothed = truth * (1 - smoothing) + smoothing / 2
    probability = 1 / (1 + np.exp(-logits))
    expected = -np.mean(smoothed * np.log(probability) + (1 - smoothed) * np.log(1 - probability))
    assert loss(LABELS, truth, logits, smoothing) == pytest.approx(expected, rel=1e-5)


def test_values_are_measured_in_their_own_spread_and_a_constant_one_in_its_unit(backend):
    truth, output = np.float32([[4.0, 1.0]]), np.float32([[0.0, 3.0]])
    assert loss(VALUES, truth, output) == pytest.approx((16 / 4 + 4) / 2)


def test_losses_are_made_again_from_their_configuration(backend):
    import keras

    from kpipe.training.loop.losses import ScaledSquaredError, SmoothedCrossentropy

    for one in (SmoothedCrossentropy(0.25), ScaledSquaredError((4.0, 9.0))):
        again = keras.losses.deserialize(keras.losses.serialize(one))
        assert again.get_config() == one.get_config()


@pytest.mark.parametrize(
    ("target", "truth", "output", "expected"),
    [
        (CLASSES, np.int32([0, 1]), np.float32([[2, 1, 0], [2, 1, 0]]), {"accuracy": 0.5}),
        (LABELS, np.float32([[1, 0]]), np.float32([[0.2, 0.3]]), {"accuracy": 0.5}),
        (VALUES, np.float32([[4, 1]]), np.float32([[1, 0]]), {"mae": 2.0}),
    ],
)
def test_metrics(backend, target, truth, output, expected):
    from kpipe.training.loop.losses import metrics_of

    metrics = metrics_of(target)
    for metric in metrics:
        metric.update_state(truth, output)
    assert {metric.name: float(metric.result()) for metric in metrics} == pytest.approx(expected)
