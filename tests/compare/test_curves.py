from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kpipe.compare.curves import curve_names, draw, means, titled
from kpipe.compare.kept import curve_parts
from kpipe.compare.sides import chosen
from kpipe.runs import Run


@pytest.mark.parametrize(
    ("name", "parts", "title"),
    [
        ("val/loss", ("", "val", "loss"), "loss, validation"),
        ("2-fit/train/accuracy", ("2-fit/", "train", "accuracy"), "accuracy, train (2-fit)"),
        ("1-pretrain/dense1/val/loss", ("1-pretrain/dense1/", "val", "loss"), "loss, validation (1-pretrain/dense1)"),
        ("2-fit/progress/learning_rate", ("", "rate", "2-fit/progress/learning_rate"), "learning rate (2-fit)"),
    ],
)
def test_curves_of_stages_are_told_apart(name: str, parts: tuple[str, str, str], title: str) -> None:
    assert curve_parts(name) == parts
    assert titled(name) == title


@pytest.mark.parametrize("name", ["test/accuracy", "progress/epoch", "fit/steps"])
def test_other_metrics_are_no_curves(name: str) -> None:
    assert curve_parts(name)[1] == ""


def test_the_mean_ends_where_the_first_run_ends() -> None:
    curves = [((1.0, 0.2), (2.0, 0.4)), ((1.0, 0.4), (2.0, 0.6), (3.0, 9.0))]
    assert list(means(curves)) == [(1.0, pytest.approx(0.3)), (2.0, pytest.approx(0.5))]
    assert list(means([])) == []


def test_curves_are_those_of_the_journal(root: Path, make: Callable[..., Run]) -> None:
    (side,) = chosen(root, [make().name])
    assert side.runs[0].curves["val/loss"] == ((1.0, 0.9), (2.0, 0.5))
    assert curve_names([side]) == ["val/loss", "train/loss", "progress/learning_rate"]


def test_of_many_sides_only_the_first_picture_names_them(root: Path, make: Callable[..., Run]) -> None:
    few, many = (chosen(root, [make().name for _ in range(count)]) for count in (2, 9))
    heights = [[int.from_bytes(picture.png[20:24], "big") for picture in draw(sides)] for sides in (few, many)]
    assert len(set(heights[0])) == 1
    assert heights[1][0] > heights[1][1] == heights[1][2]
