"""How numbers of several backends become a report, a table, a picture."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from kpipe.errors import WrongInput
from kpipe.parity.compare import compare, tenfold
from kpipe.parity.measurement import Measurement, Part, numbered, read, write
from kpipe.parity.report import Report, Row
from kpipe.parity.story import keep
from kpipe.parity.table import print_report
from kpipe.parity.tolerances import Tolerances, tolerances

STEPS = 6


def part(**changed: Any) -> Part:
    whole: dict[str, Any] = {
        "name": "fit",
        "weights": {"dense/kernel": np.ones((2, 3), "float32")},
        "batch": {"0": np.arange(4, dtype="uint8")},
        "outputs": {"first": np.full(3, 2.0), "second": np.full(3, 200.0), "target": np.zeros(3)},
        "gradients": {"dense/kernel": np.array([3.0, 0.0]), "dense/bias": np.array([4.0])},
        "losses": (2.0, 1.8, 1.6, 1.4, 1.2, 0.5),
        "batches": ("a", "b", "c", "d", "e", "f"),
        "random": ("dropout1",),
    }
    return Part(**(whole | changed))


def measured(backend: str, *parts: Part, loss: float = 0.5, fingerprint: str = "same") -> Measurement:
    return Measurement(backend, fingerprint, 1.0, parts or (part(),), {"loss": loss})


def report(other: Measurement, tolerances: Tolerances = Tolerances(), from_reference: bool = False) -> Report:  # noqa: B008
    first = measured("tensorflow", *[part() for _ in other.parts])
    return compare("small", [first, other], tolerances, STEPS, from_reference)


def row(found: Report, what: str, number: int = 0) -> Row:
    return next(row for row in (*found.parts[number].rows, *found.last) if row.what == what)


def printed(found: Report) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    print_report(found, console)
    return console.export_text()


def test_equal_numbers_are_parity() -> None:
    found = report(measured("jax"))
    assert found.agrees
    assert all(row.difference == 0 and row.where == "" for row in found.parts[0].rows)
    assert "result     parity" in printed(found)


FOUR = np.array([4.0])
CHANGED: dict[str, tuple[dict[str, Any], float, str]] = {
    "weights": ({"weights": {"dense/kernel": np.full((2, 3), 1 + 2e-6)}}, 2e-6, "dense/kernel"),
    "batch": ({"batch": {"0": np.array([0, 1, 2, 4], "uint8")}}, 1 / 3, "0"),
    "gradients": ({"gradients": {"dense/kernel": np.array([3, 0.1]), "dense/bias": FOUR}}, 0.02, "dense/kernel"),
    "loss": ({"losses": (2.0, 1.8, 1.6, 1.4, 1.2, 0.4)}, 0.1, "step 6"),
    "examples": ({"batches": ("a", "b", "x", "y", "e", "f")}, 2.0, "step 3"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGED)
def test_one_difference_is_found_where_it_is(what: str) -> None:
    changed, difference, where = CHANGED[what]
    found = report(measured("jax", part(**changed)))
    assert [one.what for one in found.beyond] == [what]
    assert row(found, what).difference == pytest.approx(difference, rel=1e-3)
    assert row(found, what).where == where
    assert "no parity: 1 beyond" in printed(found)


def test_the_first_layer_that_departs_is_named_and_not_only_the_worst() -> None:
    outputs = {"first": np.full(3, 2.0), "second": np.full(3, 200.01), "target": np.full(3, 0.1)}
    found = report(measured("torch", part(outputs=outputs)))
    layers = row(found, "layers")
    assert (layers.first, layers.where) == ("second", "target")
    assert "torch      the first layer that departs is second" in printed(found)


def test_large_outputs_are_compared_by_their_size() -> None:
    outputs = dict(part().outputs) | {"second": np.full(3, 200.001)}
    assert row(report(measured("jax", part(outputs=outputs))), "layers").difference == pytest.approx(5e-6, rel=1e-2)


@pytest.mark.parametrize("broken", [np.array([np.nan, 2, 2]), np.array([np.inf, 2, 2]), np.zeros((3, 1))])
def test_what_is_no_number_or_of_another_shape_is_infinitely_far(broken: np.ndarray) -> None:
    found = report(measured("jax", part(outputs=dict(part().outputs) | {"first": broken})))
    assert row(found, "layers").difference == math.inf
    assert row(found, "layers").beyond
    assert json.loads(json.dumps(found.record(), allow_nan=False))["agrees"] is False


def test_a_loss_that_is_no_number_departs() -> None:
    found = report(measured("jax", part(losses=(2.0, 1.8, math.nan, math.nan, math.nan, math.nan))))
    assert found.parts[0].courses["jax"].departs == 3
    assert row(found, "loss").beyond


def test_a_layer_of_one_backend_alone_is_told() -> None:
    outputs = {name.replace("second", "fused"): array for name, array in part().outputs.items()}
    found = report(measured("torch", part(outputs=outputs)))
    assert found.alone == {"torch": ["second", "fused"]}
    assert "compared with nothing: second, fused" in " ".join(printed(found).split())


def test_other_data_means_other_examples_in_every_step() -> None:
    found = report(measured("jax", fingerprint="another"))
    assert (row(found, "examples").difference, row(found, "examples").where) == (STEPS, "the data itself")


def test_weights_that_training_or_the_option_has_set_are_not_judged() -> None:
    other: Mapping[str, Any] = {"weights": {"dense/kernel": np.zeros((2, 3))}}
    two = report(measured("jax", part(), part(**other)))
    assert row(two, "weights", 1).difference == 1
    assert two.agrees
    assert not report(measured("jax", part(**other))).agrees
    assert report(measured("jax", part(**other)), from_reference=True).agrees


def test_metrics_are_judged_when_they_are_asked_for() -> None:
    other = measured("jax", loss=0.6)
    assert report(other).agrees
    assert [one.what for one in report(other, Tolerances(metrics=0.01)).beyond] == ["metrics"]


def test_growth_is_told_by_the_steps_of_tenfold() -> None:
    assert tenfold(1e-6 * 10 ** (np.arange(20) / 4)) == pytest.approx(4)
    assert tenfold(np.zeros(20)) is None
    grown = tuple(2.0 + 1e-6 * 10**step for step in range(STEPS))
    found = compare("small", [measured(name, part(losses=losses)) for name, losses in
        (("tensorflow", (2.0,) * STEPS), ("jax", grown))], Tolerances(), STEPS, False)  # fmt: skip
    assert "the loss departs at step 3, and grows tenfold in 1.0 steps" in printed(found)


def test_measurements_are_read_as_they_were_written(tmp_path: Path) -> None:
    whole = measured("jax", part(), replace(part(), name="second"))
    write(whole, tmp_path / "one.npz")
    back = read(tmp_path / "one.npz")
    assert [one.name for one in back.parts] == ["fit", "second"]
    assert list(back.parts[0].outputs) == ["first", "second", "target"]  # in the order of computing
    assert back.parts[1].losses == whole.parts[1].losses
    assert compare("small", [whole, back], Tolerances(), STEPS, False).agrees
    assert numbered(["a", "b", "a"]) == ["a", "b", "a#2"]


def test_record_and_picture_are_kept(tmp_path: Path) -> None:
    written = keep(report(measured("jax", part(), part())), tmp_path / "new")
    assert written.picture.read_bytes().startswith(b"\x89PNG")
    assert json.loads(written.record.read_text())["backends"] == ["tensorflow", "jax"]


def test_tolerances_are_read() -> None:
    assert tolerances(["loss=1e-3", "metrics=0"]) == Tolerances(loss=1e-3, metrics=0.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("los=1", "did you mean `loss`?"),
        ("loss", "write --tolerance loss=1e-4"),
        ("loss=-1", "`-1` is no number from 0 on"),
        ("loss=nan", "no number"),
        ("layers=x", "no number"),
    ],
)
def test_wrong_tolerances_are_refused(text: str, said: str) -> None:
    with pytest.raises(WrongInput) as refused:
        tolerances([text])
    assert said in str(refused.value)
