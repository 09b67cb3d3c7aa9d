"""Labelled data of one's own: what of a forecast's files can be compared with, and what is said of the others."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kpipe.data.preparation.sequence import Sequence
from kpipe.data.preparation.window import Window
from kpipe.errors import WrongInput
from kpipe.predict import labelled
from kpipe.signature import Feature, Signature, Target

TARGET = Target(task="forecast", names=("load",), horizon=2)
SIGNATURE = Signature(inputs=(Feature(name="sequence", kind="sequence", shape=(3, 1), dtype="float32"),), target=TARGET)


def predictor(preparation: Any) -> Any:
    return SimpleNamespace(preparation=preparation, signature=SIGNATURE)


def test_a_series_is_for_predicting(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("date,load\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n", encoding="utf-8")
    window = Window(context=3, time="date", features=("load",), target=TARGET)
    with pytest.raises(WrongInput, match="holds no targets: what follows a series is forecast") as raised:
        labelled(predictor(window), tmp_path / "some.csv")
    assert "--split test" in raised.value.hint


def test_forecasts_that_are_given_are_compared_with(tmp_path: Path) -> None:
    after = np.arange(8.0, dtype="float32").reshape(4, 2, 1)
    np.savez(tmp_path / "some.npz", x=np.zeros((4, 3, 1)), y=after)
    split = labelled(predictor(Sequence(steps=3, features=1, target=TARGET)), tmp_path / "some.npz")
    np.testing.assert_array_equal(split.take(np.arange(4))[SIGNATURE.target.name], after)
