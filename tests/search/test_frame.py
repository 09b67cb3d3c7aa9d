"""The trials as a table."""

from __future__ import annotations

import io
import math
import random
from typing import Any

import pandas as pd
import pytest

from kpipe.search.frame import best_first, csv, done, frame
from kpipe.search.trial import Trial

RATE, NORM, GROUPS = "train.optimizer.AdamW.learning_rate", "model.normalization", "model.groups"


def trial(name: str, score: float | None = None, status: str = "done", **more: Any) -> Trial:
    return Trial(name=name, values=more.pop("values", {}), status=status, score=score, **more)  # type: ignore[arg-type]


TRIALS = [
    trial("00", 0.91, values={RATE: 1e-3, NORM: "group", GROUPS: 4}, metrics={"accuracy": 0.91, "loss": 0.4}, epochs=5),
    trial("01", None, "failed", values={RATE: 0.1, NORM: "batch"}, message="nan, at epoch 2"),
    trial("02", 0.97, values={RATE: 2e-3, NORM: "batch"}, metrics={"accuracy": 0.97, "loss": 0.1}, seconds=3.5),
    trial("03", 0.99, "stopped", values={RATE: 3e-3, NORM: {"type": "layer"}}),
    trial("04", None, "refused", values={RATE: 3e-3, NORM: [1, 2]}),
    trial("05", 0.91, values={RATE: 5e-3, NORM: "batch"}),
]


def test_the_best_is_first_then_those_that_do_not_count() -> None:
    assert frame(TRIALS, "val_accuracy", "max")["trial"].tolist() == ["02", "00", "05", "03", "04", "01"]
    assert frame(TRIALS, "val_loss", "min")["trial"].tolist() == ["00", "05", "02", "03", "04", "01"]


def test_the_order_of_the_trials_does_not_matter() -> None:
    mixed = random.Random(3).sample(TRIALS, len(TRIALS))
    assert [trial.name for trial in best_first(mixed, "max")] == [trial.name for trial in best_first(TRIALS, "max")]


def test_columns() -> None:
    table = frame(TRIALS, "val_accuracy", "max", [GROUPS, RATE, "model.dropout"])
    assert list(table) == [
        "trial", "status", "val_accuracy", GROUPS, RATE, "model.dropout", NORM, "epochs", "seconds", "message",
        "val_loss",
    ]  # fmt: skip
    assert table["val_accuracy"].tolist()[:3] == [0.97, 0.91, 0.91]
    assert math.isnan(table["val_accuracy"].iloc[-1])
    assert table[GROUPS].dropna().tolist() == [4]
    assert table["model.dropout"].isna().all()
    assert table[NORM].tolist()[3:5] == ['{"type": "layer"}', "[1, 2]"]


def test_spread_is_there_only_of_several_executions() -> None:
    assert "spread" not in frame(TRIALS, "val_accuracy", "max")
    table = frame([*TRIALS, trial("06", 0.95, scores=(0.94, 0.96))], "val_accuracy", "max")
    assert table["spread"].dropna().tolist() == [pytest.approx(0.01 * 2**0.5)]


@pytest.mark.parametrize(("values", "kind"), [([1, 2], "Int64"), ([True, False], "boolean")])
def test_whole_numbers_and_booleans_stay_so_where_some_are_missing(values: list[Any], kind: str) -> None:
    trials = [trial(f"0{place}", 0.5, values={"a": value}) for place, value in enumerate(values)]
    assert str(frame([*trials, trial("09", 0.1)], "val_accuracy", "max")["a"].dtype) == kind


def test_csv_reads_back() -> None:
    table = frame(TRIALS, "val_accuracy", "max")
    text = csv(table)
    again = pd.read_csv(io.StringIO(text), dtype={"trial": str})
    assert list(again) == list(table)
    assert again[RATE].tolist() == table[RATE].tolist()
    assert again["message"].iloc[-1] == "nan, at epoch 2"
    assert "02,done,0.97,0.002,batch,,0,3.5,,0.1\n" in text
    assert csv(frame(TRIALS[::-1], "val_accuracy", "max")).splitlines()[1].startswith("02,done,0.97,")


def test_no_trials() -> None:
    table = frame([], "val_loss", "min", [RATE])
    assert table.empty
    assert list(table) == ["trial", "status", "val_loss", RATE, "epochs", "seconds", "message"]


def test_a_trial_without_a_score_is_never_best() -> None:
    trials = [trial("00"), trial("01", 0.1), trial("02", 0.0, "repeated")]
    assert [one.name for one in best_first(trials, "min")] == ["01", "00", "02"]
    assert [one.name for one in done(trials)] == ["01"]


def test_zero_is_a_score() -> None:
    assert [one.name for one in best_first([trial("00", 0.1), trial("01", 0.0)], "min")] == ["01", "00"]
