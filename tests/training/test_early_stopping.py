from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from kpipe.errors import WrongInput
from kpipe.training.early_stopping import EarlyStopping
from kpipe.training.fit import Fit


@pytest.mark.parametrize(
    ("monitor", "sign"), [("val_loss", -1), ("mae", -1), ("val_accuracy", 1), ("val_auc", 1), ("top3", 1)]
)
def test_the_direction_follows_from_the_name(monitor, sign):
    assert EarlyStopping(monitor=monitor).sign() == sign


def test_a_direction_that_nothing_tells_is_asked_for():
    with pytest.raises(WrongInput, match="mode: max"):
        EarlyStopping(monitor="val_fancy").sign()
    assert EarlyStopping(monitor="val_fancy", mode="max").sign() == 1


def test_better():
    lower = EarlyStopping(min_delta=0.1)
    assert lower.better(5.0, None)
    assert lower.better(0.8, 1.0)
    assert not lower.better(0.95, 1.0)
    assert not lower.better(math.nan, 1.0)
    assert lower.better(1.0, math.nan)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"schedule": {"type": "cosine"}, "optimizer": {"SGD": {"learning_rate": {"CosineDecay": {
            "initial_learning_rate": 0.1, "decay_steps": 9}}}}}, "a schedule already"),
        ({"label_smoothing": 0.1, "loss": "SparseCategoricalCrossentropy"}, "own loss"),
        ({"label_smoothing": 1.0}, "less than 1"),
        ({"epochs": 0}, "greater than or equal to 1"),
        ({"schedule": {"type": "cosine", "warmup": 1.5}}, "less than or equal to 1"),
        ({"schedule": {"type": "cosine", "warmup": -3}}, "greater than or equal to 0"),
        ({"class_weight": {"a": -1.0}}, "greater than or equal to 0"),
        ({"early_stopping": {"patience": 0}}, "greater than or equal to 1"),
        ({"trainable": []}, "at least 1"),
    ],
)  # fmt: skip
def test_mistakes_in_the_file(written, words):
    with pytest.raises(ValidationError) as caught:
        Fit.model_validate(written)
    said = str(caught.value) + str([one["ctx"] for one in caught.value.errors() if "ctx" in one])
    assert words in said
