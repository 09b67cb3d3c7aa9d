"""What is said of each example, for every task."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from kpipe.answers import answers, columns
from kpipe.signature import Target, Task
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.vocabulary import Vocabulary

VOCABULARY = Vocabulary.learn(Characters(), ["ab"])
CASES: dict[Task, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "classes": (
        {"names": ("a", "b")},
        np.array([[0.25, 0.75]]),
        {"label": "b", "probability": 0.75, "probability of a": 0.25, "probability of b": 0.75},
    ),
    "labels": (
        {"names": ("a", "b", "c")},
        np.array([[0.5, 0.75, 0.125]]),
        {"labels": "a b", "probability of a": 0.5, "probability of b": 0.75, "probability of c": 0.125},
    ),
    "values": ({"names": ("price",)}, np.array([[2.5]]), {"price": 2.5}),
    "forecast": (
        {"names": ("load", "heat"), "horizon": 2},
        np.array([[[1.0, 2.0], [3.0, 4.0]]]),
        {"load +1": 1.0, "heat +1": 2.0, "load +2": 3.0, "heat +2": 4.0},
    ),
    "tags": ({"names": ("noun", "verb")}, [np.array([[0.9, 0.1], [0.2, 0.8]])], {"tags": "noun verb"}),
    "text": ({"vocabulary": VOCABULARY}, ["ba"], {"text": "ba"}),
    "next_token": ({"vocabulary": VOCABULARY}, ["ba"], {"text": "ba"}),
    "reconstruction": ({"names": ("x",)}, np.array([0.5]), {"reconstruction_error": 0.5}),
}


@pytest.mark.parametrize("task", get_args(Task))
def test_each_task_has_its_record_and_its_columns(task: Task) -> None:
    fields, outputs, expected = CASES[task]
    target = Target(task=task, **fields)
    (record,) = answers(target, outputs)
    assert record == expected
    assert list(record) == [column["name"] for column in columns(target)]
    kinds = {str: "string", float: "double"}
    assert [kinds[type(value)] for value in record.values()] == [column["type"] for column in columns(target)]
