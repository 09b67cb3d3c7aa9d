from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.mistakes import answer, confusions, differences, percent, rows, verdict, wrong

Make = Callable[..., Evidence]
TRUE = np.int32([0, 0, 0, 1, 1, 2, 2, 2])
READ = [0, 1, 1, 1, 2, 2, 0, 2]


def evidence_of_classes(make: Make) -> Evidence:
    sure = np.array([5, 3, 4, 5, 1, 5, 2, 5])[:, None]
    return make("classes", TRUE, np.eye(3)[READ] * sure, ("cat", "dog", "emu"))


def test_the_most_frequent_confusions_come_first(make: Make) -> None:
    found = confusions(evidence_of_classes(make))
    assert [str(confusion) for confusion in found] == ["cat read as dog (2 of 3)", "dog read as emu (1 of 2)"]
    assert len(confusions(evidence_of_classes(make), 9)) == 3


def test_the_worst_mistake_comes_first(make: Make, make_perfect: Make) -> None:
    assert wrong(evidence_of_classes(make)).tolist() == [2, 1, 6, 4]
    assert rows(evidence_of_classes(make), 2) == [("2", "cat", "dog", "96 %"), ("1", "cat", "dog", "90 %")]
    assert wrong(make_perfect("classes")).tolist() == []
    assert confusions(make_perfect("classes")) == []


def test_verdict_in_one_line(make: Make, make_perfect: Make) -> None:
    assert verdict(evidence_of_classes(make)) == (
        "4 of 8 test examples read right; most often wrong: cat read as dog (2 of 3), dog read as emu (1 of 2)."
    )
    assert verdict(make_perfect("classes")) == "40 of 40 test examples read right."
    assert verdict(make_perfect("labels")) == "40 of 40 test examples with every label right."
    off = make("values", np.float32([[1], [2]]), np.array([[1.5], [3]]), ("price",))
    assert verdict(off) == "On average over 2 test examples, the predictions are off: price by 0.75."


def test_labels_say_what_was_missed_and_what_was_added(make: Make) -> None:
    outputs = np.array([[3.0, -3.0, 1.0], [-3.0, -3.0, -3.0]])
    evidence = make("labels", np.float32([[1, 1, 0], [0, 0, 0]]), outputs, ("sky", "tree", "car"))
    assert wrong(evidence).tolist() == [0]
    assert answer(evidence, 0) == ("sky, tree", "sky, car", "73 %")
    assert differences(evidence, 0) == ("tree", "car")
    assert answer(evidence, 1) == ("none", "none", "95 %")
    assert confusions(evidence) == []


def test_probabilities_are_rounded_down() -> None:
    assert [percent(p) for p in (0.0, 0.004, 0.9999, 1.0, 0.29)] == ["0 %", "0 %", "99 %", "100 %", "29 %"]


def test_steps_read_wrong(make: Callable[..., Evidence]) -> None:
    """Seven steps in examples of three; steps 4 and 6 are wrong, 6 by more."""
    true, read = np.int32([0, 1, 0, 0, 1, 1, 0]), [0, 1, 0, 0, 0, 1, 1]
    sure = np.array([9, 9, 9, 9, 1, 9, 9.0])[:, None]
    evidence = make("tags", true, np.eye(2)[read] * sure, ("NOUN", "VERB"))
    assert verdict(evidence) == (
        "5 of 7 test steps read right; most often wrong: NOUN read as VERB (1 of 4), VERB read as NOUN (1 of 3)."
    )
    assert rows(evidence) == [("2: a", "NOUN", "VERB", "99 %"), ("1: a", "VERB", "NOUN", "73 %")]


def test_forecasts_and_next_tokens_have_a_verdict(make_perfect: Callable[..., Evidence]) -> None:
    forecast = make_perfect("forecast", 10, 2)
    assert verdict(forecast) == "On average over 10 test examples, the predictions are off: 0 by 0, 1 by 0."
    assert verdict(make_perfect("next_token", 30)) == "30 of 30 test tokens foretold."
    assert rows(forecast) == []
