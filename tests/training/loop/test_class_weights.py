from __future__ import annotations

import numpy as np
import pytest

from kpipe.data.splits import ArraySplit
from kpipe.errors import WrongInput
from kpipe.signature import Target
from kpipe.training.loop.class_weights import class_weights

TARGET = Target(name="kind", task="classes", names=("cat", "dog", "fish"))
SPLIT = ArraySplit({"x": np.zeros((10, 1)), "kind": np.int32([0] * 6 + [1] * 3 + [2])})


def test_none():
    assert class_weights(None, TARGET, SPLIT) is None


def test_balanced_gives_every_class_the_same_say(monkeypatch):
    monkeypatch.setattr("kpipe.training.loop.class_weights.CHUNK", 4)
    weights = class_weights("balanced", TARGET, SPLIT)
    assert weights * [6, 3, 1] == pytest.approx([10 / 3] * 3)
    assert weights[SPLIT.arrays["kind"]].mean() == pytest.approx(1.0)


def test_by_name_and_the_others_count_one():
    assert class_weights({"fish": 5.0, "cat": 0.0}, TARGET, SPLIT).tolist() == [0.0, 1.0, 5.0]


def test_names_are_checked():
    with pytest.raises(WrongInput, match="no class `fsh`\ndid you mean `fish`"):
        class_weights({"fsh": 2.0}, TARGET, SPLIT)


def test_only_classes_have_them():
    with pytest.raises(WrongInput, match="needs a target of classes, not labels"):
        class_weights("balanced", TARGET.model_copy(update={"task": "labels"}), SPLIT)
