"""Losses and metrics by name, made to fit a model that ends in logits."""

from __future__ import annotations

import numpy as np
import pytest

from kpipe.errors import WrongInput
from kpipe.signature import Target
from kpipe.spec.keras_object import KerasObject
from kpipe.training.fit import Fit
from kpipe.training.named import for_logits

CLASSES = Target(task="classes", names=("a", "b", "c"))
LABELS = Target(task="labels", names=("a", "b"))
VALUES = Target(task="values", names=("price",))


@pytest.mark.parametrize(
    ("name", "arguments", "target", "added"),
    [
        ("SparseCategoricalCrossentropy", {}, CLASSES, {"from_logits": True}),
        ("SparseCategoricalCrossentropy", {"from_logits": False}, CLASSES, {}),
        ("BinaryFocalCrossentropy", {}, LABELS, {"from_logits": True}),
        ("Huber", {}, VALUES, {}),
    ],
)
def test_losses_are_told_of_logits(name: str, arguments: dict, target: Target, added: dict) -> None:
    assert for_logits(KerasObject(name, arguments, "losses"), target, "loss") == added


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [("CategoricalCrossentropy", CLASSES, "class indices"), ("Precision", LABELS, "takes probabilities")],
)
def test_what_does_not_fit_is_refused(name: str, target: Target, message: str) -> None:
    kind = "losses" if "entropy" in name else "metrics"
    with pytest.raises(WrongInput, match=message):
        for_logits(KerasObject(name, {}, kind), target, kind)


def test_a_named_loss_and_metric_equal_their_formula_on_logits(backend: str) -> None:
    logits = np.array([[2.0, -1.0, 0.5], [8.0, -9.0, 60.0]], "float32")
    targets = np.array([1, 0])
    fit = Fit(
        loss=KerasObject("SparseCategoricalCrossentropy", {}, "losses"),
        metrics=(KerasObject("SparseCategoricalCrossentropy", {}, "metrics"),),
    )
    log_probabilities = logits - np.log(np.exp(logits.astype("float64")).sum(axis=1, keepdims=True))
    expected = -log_probabilities[[0, 1], targets].mean()
    assert float(fit.build_loss(CLASSES)(targets, logits)) == pytest.approx(expected, rel=1e-5)
    (metric,) = fit.build_metrics(CLASSES)
    metric.update_state(targets, logits)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_binary_accuracy_counts_from_logit_zero(backend: str) -> None:
    (metric,) = Fit(metrics=(KerasObject("BinaryAccuracy", {}, "metrics"),)).build_metrics(LABELS)
    metric.update_state(np.array([[1.0, 0.0]]), np.array([[0.2, -0.2]], "float32"))
    assert float(metric.result()) == 1.0
