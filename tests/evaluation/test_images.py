from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kpipe.evaluation.drawing import shorten
from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.images import Grid, inputs_at, showable
from kpipe.evaluation.plots.samples import spread


def test_uint8_is_shown_as_it_is() -> None:
    images = np.arange(2 * 4 * 5 * 3, dtype="uint8").reshape(2, 4, 5, 3)
    assert np.array_equal(showable(images), images)
    grey = showable(images[..., :1])
    assert grey.shape == (2, 4, 5, 3)
    assert (grey == images[..., :1]).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_floats_are_stretched(channels: int) -> None:
    images = np.random.default_rng(0).normal(size=(3, 4, 4, channels)).astype("float32")
    shown = showable(images)
    assert shown.shape == (3, 4, 4, 3)
    assert (shown.min(), shown.max()) == (0, 255)
    assert (showable(np.ones((1, 2, 2, channels), "float32")) == 0).all()


def test_images_come_as_the_model_takes_them(make_guessed: Callable[..., Evidence]) -> None:
    evidence = make_guessed("classes")
    positions = np.array([3, 0])
    assert np.array_equal(inputs_at(evidence, positions), evidence.split.take(positions)["x"])


def test_samples_take_every_class_in_turn(make: Callable[..., Evidence]) -> None:
    evidence = make("classes", np.int32([2, 2, 2, 0, 0, 1]), np.zeros((6, 3)))
    assert spread(evidence, 5).tolist() == [3, 5, 0, 4, 1]
    assert spread(evidence, 99).tolist() == [3, 5, 0, 4, 1, 2]


def test_a_grid_has_a_row_for_each_columns_images() -> None:
    one, two = Grid(4, 4, (8, 8), 1), Grid(5, 4, (8, 8), 1)
    assert two.figure.get_figheight() == pytest.approx(2 * one.figure.get_figheight())


def test_long_and_odd_names_become_labels() -> None:
    assert shorten("a\n b   c") == "a b c"
    assert shorten("x" * 30, 10) == "x" * 9 + "…"
    assert shorten("$5 or $6") == r"\$5 or \$6"
