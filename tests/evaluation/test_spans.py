from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.metrics.entity_f1 import EntityF1
from kpipe.evaluation.spans import are_entities, spans


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O O", []),
        ("B-a I-a O B-b", [(0, 2, "a"), (3, 4, "b")]),
        ("B-a B-a", [(0, 1, "a"), (1, 2, "a")]),
        ("I-a I-a O I-b", [(0, 2, "a"), (3, 4, "b")]),  # IOB1
        ("B-a I-b", [(0, 1, "a"), (1, 2, "b")]),
        ("B-a I-a E-a S-b S-b", [(0, 3, "a"), (3, 4, "b"), (4, 5, "b")]),
        ("B-a E-a I-a", [(0, 2, "a"), (2, 3, "a")]),
        ("U-a B-b L-b O", [(0, 1, "a"), (1, 3, "b")]),
        ("B-a-c I-a-c", [(0, 2, "a-c")]),
        ("", []),
    ],
)
def test_spans(tags: str, expected: list[tuple[int, int, str]]) -> None:
    assert [tuple(span) for span in spans(tags.split())] == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [("O B-a I-a", True), ("O S-a", True), ("NOUN VERB", False), ("B-a I-a", False), ("O", False), ("O B-a X", False)],
)
def test_which_tags_are_entities(names: str, expected: bool) -> None:
    assert are_entities(names.split()) is expected


def test_entities_count_whole_and_within_their_example(make: Callable[..., Evidence]) -> None:
    names = ("O", "B-a", "I-a", "B-b")
    # examples of three steps:  a of 2 steps found | a cut short | b missed, a made up | a B that begins an example
    true = [1, 2, 0, 1, 2, 0, 3, 0, 0, 0, 0, 1, 2, 0, 0]
    read = [1, 2, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 0]
    evidence = make("tags", np.int32(true), np.eye(4)[read] * 9.0, names)
    values = EntityF1().compute(evidence)
    # true: a (0-2), a (3-5), b, a, a; read: a right, a short, a made up, a, a right
    assert values["entity_precision"] == pytest.approx(3 / 5)
    assert values["entity_recall"] == pytest.approx(3 / 5)
    assert values["entity_f1"] == pytest.approx(3 / 5)
    assert values["entity_f1/a"] == pytest.approx(2 * 3 / 9)
    assert values["entity_f1/b"] == 0.0


def test_other_tags_have_no_entities(make: Callable[..., Evidence]) -> None:
    evidence = make("tags", np.int32([0, 1]), np.eye(2), ("NOUN", "VERB"))
    assert EntityF1().compute(evidence) == {}
    assert "B-NAME" in EntityF1().left_out(evidence)["entity_f1"]
