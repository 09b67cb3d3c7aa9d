"""The five families, with SGD and with Adam, mean the same on every backend."""

from __future__ import annotations

import pytest

from kpipe import backend
from kpipe.parity.report import PartReport, Report
from kpipe.parity.story import parity
from kpipe.parity.tolerances import Tolerances
from kpipe.pipeline import Pipeline

STEPS = 20
FAMILIES = ("cnn", "stacked_autoencoder", "rnn", "encoder_decoder", "transformer")
ALL = [f"{family}-{optimizer}" for family in FAMILIES for optimizer in ("SGD", "Adam")]
BEFORE_CHAOS = 5
"""Steps of a convolutional network: after them the last digits may have grown."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reports(pipelines: dict[str, Pipeline]) -> dict[str, Report]:
    """Each backend's process carries out all of them."""
    if len(backend.installed()) < 2:
        pytest.skip("one backend alone is installed")
    return parity(pipelines, backend.installed(), STEPS, Tolerances())


def beyond(part: PartReport, *what: str) -> list[str]:
    return [
        f"{row.backend} {row.what} {row.difference} {row.first}" for row in part.rows if row.what in what and row.beyond
    ]


@pytest.mark.parametrize("name", ALL)
def test_data_layers_and_gradients_agree(reports: dict[str, Report], name: str) -> None:
    report = reports[name]
    assert report.backends == backend.installed()
    for part in report.parts:
        assert beyond(part, "examples", "batch", "layers", "gradients") == []
        assert all(len(one.losses) == STEPS for one in part.courses.values())
        assert all(not names for names in part.alone.values())


@pytest.mark.parametrize("name", ALL)
def test_losses_agree_step_by_step(reports: dict[str, Report], name: str) -> None:
    for part in reports[name].parts:
        for course in part.courses.values():
            compared = course.differences[: BEFORE_CHAOS if name.startswith("cnn") else STEPS]
            assert max(compared) <= 1e-5, (part.name, compared)


@pytest.mark.parametrize("name", ALL)
def test_training_has_changed_what_is_compared(reports: dict[str, Report], name: str) -> None:
    """Equal numbers prove nothing where nothing is learned."""
    last = reports[name].parts[-1]
    losses = last.courses[reports[name].backends[0]].losses
    assert min(losses[STEPS // 2 :]) < min(losses[: STEPS // 4])  # each batch has a loss of its own
    assert max(max(course.differences) for course in last.courses.values()) > 0  # they were computed each for itself


@pytest.mark.parametrize("name", ALL)
def test_initial_weights_are_equal_bit_for_bit(reports: dict[str, Report], name: str) -> None:
    rows = [row for row in reports[name].parts[0].rows if row.what == "weights"]
    assert len(rows) == len(backend.installed()) - 1
    assert {row.difference for row in rows} == {0.0}


def test_metrics_agree(reports: dict[str, Report]) -> None:
    for name, report in reports.items():
        first, *others = report.metrics["loss"].values()
        assert others == pytest.approx([first] * len(others), abs=1e-2 if name.startswith("cnn") else 1e-5)


def test_random_layers_are_named(reports: dict[str, Report]) -> None:
    random = {name: [layer for part in report.parts for layer in part.random] for name, report in reports.items()}
    assert random["cnn-SGD"] == random["encoder_decoder-SGD"] == []
    assert random["stacked_autoencoder-SGD"] == ["dense1_corruption", "code_corruption"]
    assert random["rnn-Adam"] == ["embedding_dropout", "dropout1"]
    assert len(random["transformer-Adam"]) > 4
