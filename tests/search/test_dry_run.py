"""The size of a space, and the first trials of a search, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from kpipe.pipeline import Pipeline
from kpipe.search.dry_run import Sample, Size, describe, dry_run, sample
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.tuning.axes import is_among
from kpipe.tuning.space import Axis, Choices, Range, Switch


def axis(path: str, values: Sequence[Any], **when: Any) -> Axis:
    return Axis(path, Choices(choices=tuple(values), when=when))


def counted(axes: Sequence[Axis]) -> int:
    """All trials there can be, one by one."""
    found = set()
    for way in product(*(one.values or (None,) for one in axes)):
        values: dict[str, Any] = {}
        for one, value in zip(axes, way, strict=True):
            on = one.dimension.when.items()
            if all(parent in values and is_among(values[parent], wanted) for parent, wanted in on):
                values[one.path] = value
        found.add(tuple(values.items()))
    return len(found)


KNOWN = {
    "free": ([axis("a", "xyz"), Axis("b", Switch(boolean=True)), axis("c", "xy")], 12),
    "one that depends": ([axis("a", "xyz"), axis("b", "wxyz", a=["x", "y"])], 9),
    "two on different values": ([axis("a", "xyz"), axis("b", "wxyz", a=["x"]), axis("c", "xy", a=["y"])], 7),
    "two on one": ([axis("a", "xy"), axis("b", "xyz", a=["x"]), axis("c", "xy", a=["x"])], 7),
    "a chain": ([axis("a", "xy"), axis("b", "xyz", a=["x"]), axis("c", "xy", b=["x"])], 5),
    "on two": ([axis("a", "xy"), axis("b", "xyz"), axis("c", "vwxyz", a=["x"], b=["x", "y"])], 14),
    "lists": ([axis("a", [[1], [1, 2]]), axis("b", "xyz", a=[[1]])], 4),
    "true is not 1": ([axis("a", [True, 2]), axis("b", "xyz", a=[True])], 4),
}


@pytest.mark.parametrize(("axes", "expected"), KNOWN.values(), ids=KNOWN)
def test_known_sizes(axes: list[Axis], expected: int) -> None:
    assert describe(axes) == Size(expected, 0)


@st.composite
def spaces(draw: st.DrawFn) -> list[Axis]:
    found: list[Axis] = []
    for path in "abcde"[: draw(st.integers(1, 5))]:
        parents = draw(st.sets(st.sampled_from([one.path for one in found]), max_size=2)) if found else set()
        by_path = {one.path: one for one in found}
        when = {
            parent: draw(
                st.lists(st.sampled_from(list(by_path[parent].values or ())), min_size=1, max_size=2, unique=True)
            )
            for parent in sorted(parents)
        }
        found.append(axis(path, range(draw(st.integers(2, 4))), **when))
    return found


@settings(max_examples=200, deadline=None)
@given(spaces())
def test_as_many_as_there_are_counted_one_by_one(axes: list[Axis]) -> None:
    assert describe(axes).combinations == counted(axes)


def test_large_spaces_are_counted_at_once() -> None:
    free = [axis(f"a{number}", range(10)) for number in range(40)]
    assert describe([*free, axis("b", "xy", a0=[1])]).combinations == 10**39 * 11
    assert describe([Axis("seed", Range(min=0, max=2**32 - 1), whole=True)]).combinations == 2**32
    whole = Axis("seed", Range(min=0, max=2**32 - 1), whole=True)
    assert describe([whole, axis("b", "xyz", seed=[1])]).combinations == 2**32 + 2


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (Size(1, 0), "1 combination"),
        (Size(1, 1), "1 range without steps"),
        (Size(1, 3), "3 ranges without steps"),
        (Size(1200, 0), "1,200 combinations"),
        (Size(12, 2), "12 combinations x 2 ranges without steps"),
    ],
)
def test_sizes_in_words(size: Size, words: str) -> None:
    assert str(size) == words


def test_ranges_without_steps_are_told_apart() -> None:
    assert describe([Axis("a", Range(min=0.0, max=1.0)), axis("b", "xyz")]) == Size(3, 1)


def searched(**more: Any) -> Pipeline:
    space = {
        "train.optimizer.AdamW.learning_rate": {"min": 1e-4, "max": 1e-2, "sampling": "log"},
        "model.groups": {"choices": [4, 8], "when": {"model.normalization": "group"}},
        "model.normalization": {"choices": ["batch", "group"]},
        "model.filters": {"choices": [[8, 16], [12, 24]]},
    }
    return checked(
        Pipeline,
        document_of(
            {
                "name": "digits",
                "data": {"type": "sklearn", "dataset": "digits"},
                "model": {"type": "cnn", "filters": [8, 16]},
                "train": "fit",
                "tune": {"type": "random", "objective": "val_accuracy", "space": space, **more},
            }
        ),
    )


TRIALS = [
    {"train.optimizer.AdamW.learning_rate": 0.00123456789, "model.normalization": "batch", "model.filters": [8, 16]},
    {"model.normalization": "group", "model.groups": 8, "model.filters": [12, 24]},
    {},
]


def test_trials_that_cannot_be_are_marked_with_the_reason() -> None:
    assert list(sample(searched(), TRIALS)) == [
        Sample(TRIALS[0]),
        Sample(TRIALS[1], "model.groups: 12 filters do not divide into 8 groups"),
        Sample({}),
    ]


def printed(pipeline: Pipeline, trials: Sequence[dict[str, Any]], width: int = 100) -> str:
    console = Console(width=width, highlight=False, markup=False, record=True, file=StringIO())
    dry_run(pipeline, console, trials)
    return "\n".join(line.rstrip() for line in console.export_text().splitlines())


def test_what_is_printed() -> None:
    assert printed(searched(), TRIALS) == (
        "random, 20 trials, maximise val_accuracy over 4 hyperparameters: 6 combinations x 1 range without steps\n"
        "\n"
        "hyperparameter  kind       values               own value  when\n"
        "learning_rate   numbers    0.0001 to 0.01, log  0.001\n"
        "normalization   2 choices  batch | group        batch\n"
        "groups          2 choices  4 | 8                           normalization is group\n"
        "filters         2 choices  8, 16 | 12, 24       8, 16\n"
        "\n"
        "00  learning_rate 0.00123457   normalization batch   filters 8, 16\n"
        "01  normalization group   groups 8   filters 12, 24\n"
        "    refused: model.groups: 12 filters do not divide into 8 groups\n"
        "02  the pipeline as it is"
    )


def test_narrow_terminals_and_no_trials() -> None:
    for width in (20, 40, 80):
        assert "learning_rate" in printed(searched(max_trials=None, direction="min"), [], width)
    assert "all trials, minimise val_accuracy" in printed(searched(max_trials=None, direction="min"), [])
