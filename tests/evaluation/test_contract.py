"""Every metric and every picture, held to the same small checks."""

from __future__ import annotations

import inspect
import io
import math
import re
import textwrap
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kpipe.evaluation.drawing import png
from kpipe.evaluation.evaluate import METRICS, PLOTS, Evaluate
from kpipe.evaluation.evidence import Evidence, Metric, Plot
from kpipe.spec.one_of import components

Make = Callable[..., Evidence]
ALL = {("metrics", name): found for name, found in components(METRICS).items()} | {
    ("plots", name): found for name, found in components(PLOTS).items()
}
by_component = pytest.mark.parametrize(("section", "name"), ALL)
by_metric_and_task = pytest.mark.parametrize(
    ("name", "task"),
    [(name, task) for name, metric in components(METRICS).items() for task in sorted(metric.tasks)],  # type: ignore[attr-defined]
)


def metric(name: str) -> Metric:
    found = components(METRICS)[name].model_validate({"type": name})
    assert isinstance(found, Metric)
    return found


def plot(name: str) -> Plot:
    found = components(PLOTS)[name].model_validate({"type": name})
    assert isinstance(found, Plot)
    return found


@by_component
def test_docstring_has_its_sections(section: str, name: str) -> None:
    doc = inspect.getdoc(ALL[section, name]) or ""
    assert re.search(r"[.:?]$", doc.split("\n", 1)[0])
    for heading in ("Shapes:", "Raises:", "Example:", "Reference:"):
        assert heading in doc, heading


@by_component
def test_example_of_the_docstring_is_right(section: str, name: str) -> None:
    doc = inspect.getdoc(ALL[section, name]) or ""
    example = yaml.safe_load(textwrap.dedent(doc.split("Example:\n")[1].split("\n\n")[0]))
    (chosen,) = getattr(Evaluate.model_validate(example["evaluate"]), section)
    assert chosen.type == name


@by_component
def test_every_field_is_described_and_has_a_default(section: str, name: str) -> None:
    for field, info in ALL[section, name].model_fields.items():
        assert field == "type" or info.description, field
        assert not info.is_required(), field


@by_metric_and_task
def test_perfect_predictions_have_the_best_values(make_perfect: Make, name: str, task: str) -> None:
    values = metric(name).compute(make_perfect(task))
    assert values
    for key, value in values.items():
        assert min(abs(value), abs(value - 1), abs(value - 100)) < 1e-9, (key, value)


@by_metric_and_task
def test_guesses_have_finite_values_that_are_not_the_best(
    make_perfect: Make, make_guessed: Make, name: str, task: str
) -> None:
    best, values = metric(name).compute(make_perfect(task)), metric(name).compute(make_guessed(task))
    assert values.keys() == best.keys()
    for key, value in values.items():
        assert type(value) is float
        assert math.isfinite(value)
        assert abs(value - best[key]) > 0.01, key
        assert re.fullmatch(r"[a-z0-9_]+(/[A-Za-z0-9_\-. :]+)?", key)


@by_metric_and_task
def test_the_names_of_its_values_are_told_before(make_guessed: Make, name: str, task: str) -> None:
    """Those that a search can go by: each is given, and nothing else but those of classes or columns."""
    told = metric(name).produces(task)  # type: ignore[arg-type]
    values = metric(name).compute(make_guessed(task))
    assert all(any(fnmatchcase(value, one) for one in told) for value in values), (told, values.keys())
    assert {one for one in told if not one.endswith("*")} <= values.keys()
    assert set(told) <= set(metric(name).produces(None)), "what is not known yet may be any task"


def test_a_metric_tells_of_no_values_of_classes_that_it_leaves_out() -> None:
    without = components(METRICS)["f1"].model_validate({"type": "f1", "per_class": False})
    assert without.produces("classes") == ("macro_f1",)  # type: ignore[attr-defined]
    assert metric("f1").produces("classes") == ("macro_f1", "f1/*")
    fifth = components(METRICS)["top_k_accuracy"].model_validate({"type": "top_k_accuracy", "k": 5})
    assert fifth.produces("classes") == ("top_5_accuracy",)  # type: ignore[attr-defined]


@settings(max_examples=15, deadline=None)
@given(
    task=st.sampled_from(["classes", "labels", "values"]),
    size=st.integers(1, 12),
    outputs=st.integers(2, 5),
    seed=st.integers(0, 99),
)
def test_no_value_is_ever_nan_and_each_missing_one_has_a_reason(
    make_guessed: Make, task: str, size: int, outputs: int, seed: int
) -> None:
    evidence = make_guessed(task, size, outputs, seed)
    every = Evaluate()
    values, reasons = every.measure(evidence), every.left_out(evidence)
    assert all(math.isfinite(value) for value in values.values())
    assert not values.keys() & reasons.keys()
    full = every.measure(make_guessed(task, 60, outputs, seed)).keys()
    assert full - values.keys() <= reasons.keys()


HARD: dict[str, dict[str, Any]] = {
    "two classes": {"names": ("no", "yes"), "size": 6},
    "one example": {"names": ("no", "yes"), "size": 1},
    "a class absent": {"names": ("a", "b", "c"), "size": 10, "absent": 2},
    "one mistake": {"names": ("a", "b", "c"), "size": 9, "wrong": 1},
    "no mistakes": {"names": ("a", "b", "c"), "size": 9, "wrong": 0},
    "thirty classes": {"names": tuple(f"class {i}" for i in range(30)), "size": 90},
    "hard names": {"names": ("a $5 bill, $1 extra", "日本語", "x\ny", "l" * 300, "<b>&"), "size": 30},
    "colour": {"names": ("a", "b"), "size": 12, "shape": (6, 9, 3)},
    "floats": {"names": ("a", "b"), "size": 12, "shape": (9, 6, 1), "dtype": "float32"},
    "five channels": {"names": ("a", "b"), "size": 12, "shape": (4, 4, 5), "dtype": "float32"},
    "one grey": {"names": ("a", "b"), "size": 12, "shape": (1, 1, 1)},
    "no history": {"names": ("a", "b"), "size": 12, "epochs": 0},
    "one epoch": {"names": ("a", "b"), "size": 12, "epochs": 1},
    "two stages": {"names": ("a", "b"), "size": 12, "epochs": 6, "stages": 2},
}


OF_A_MODEL = {"alignment", "attention_heads", "code", "denoised", "grad_cam", "attention_over_words"}
"""Pictures that need a model; they have tests of their own on each backend."""

IMAGES = {"colour", "floats", "five channels", "one grey"}
HISTORIES = {"no history", "one epoch", "two stages"}


def cases() -> Iterator[tuple[str, str, str]]:
    """Each picture with what is hard for it; what is hard does not depend on the task, so one task has it all."""
    for name, found in components(PLOTS).items():
        for number, task in enumerate(sorted(found.tasks)):  # type: ignore[attr-defined]
            for case in HARD:
                about_images = name in ("samples", "mistakes", "reconstructions")
                if (case in IMAGES and not about_images) or (case in HISTORIES and name != "learning_curves"):
                    continue
                if name not in OF_A_MODEL and (number == 0 or case in ("one example", "hard names")):
                    yield name, task, case


def hard(make: Make, make_history: Any, task: str, case: dict[str, Any]) -> Evidence:
    generator = np.random.default_rng(3)
    names, size = case["names"], case["size"]
    shape, dtype = case.get("shape", (8, 8, 1)), case.get("dtype", "uint8")
    history = make_history(case.get("epochs", 3), case.get("stages", 1))
    if task == "text":
        references = [names[place % len(names)] for place in range(size)]
        written = [*references[1:], ""]  # the next one's
        return make(task, references, references if case.get("wrong") == 0 else written, history=history)
    if task == "forecast":
        values = np.float32(generator.normal(size=(size, 5, len(names))))
        return make(task, values, values + generator.normal(size=values.shape), names, history=history)
    if task == "reconstruction":
        images = np.float32(generator.integers(0, 256, (size, *shape)))
        channels = tuple(str(channel) for channel in range(shape[-1]))
        return make(task, images, images + generator.normal(0, 9, images.shape), channels, shape, dtype, history)
    outputs = generator.normal(size=(size, len(names)))
    targets: np.ndarray
    if task == "next_token":
        outputs = generator.normal(size=(size, 12))
    if task in ("classes", "tags", "next_token"):
        targets = np.int32(np.arange(size) % (case.get("absent") or min(len(names), outputs.shape[1])))
        if "wrong" in case:
            outputs = 9.0 * np.eye(outputs.shape[1])[targets]
            outputs[: case["wrong"]] = outputs[: case["wrong"], ::-1]
    else:
        targets = np.float32(generator.normal(size=outputs.shape))
        targets = np.float32(targets > 0) if task == "labels" else targets
        targets[:, case.get("absent", len(names)) :] = 0
    return make(task, targets, outputs, names, shape, dtype, history)


@pytest.mark.parametrize(("name", "task", "case"), list(cases()))
def test_draws_whatever_comes(make: Make, make_history: Any, name: str, task: str, case: str) -> None:
    figure = plot(name).draw(hard(make, make_history, task, HARD[case]))
    if figure is None:
        assert case in ("no history", "no mistakes", "one example")
        return
    with Image.open(io.BytesIO(png(figure))) as picture:
        assert 300 <= picture.width <= 950
        assert 60 <= picture.height <= 2500
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 2


@pytest.mark.parametrize("name", [name for name in components(PLOTS) if name not in OF_A_MODEL])
def test_same_evidence_gives_the_same_picture(make: Make, make_history: Any, name: str) -> None:
    task = min(components(PLOTS)[name].tasks)  # type: ignore[attr-defined]
    first, second = (plot(name).draw(hard(make, make_history, task, HARD["colour"])) for _ in range(2))
    assert first is not None
    assert second is not None
    assert png(first) == png(second)


@by_metric_and_task
@pytest.mark.parametrize("case", ["two classes", "one example", "a class absent", "hard names", "thirty classes"])
def test_measures_whatever_comes(make: Make, make_history: Any, name: str, task: str, case: str) -> None:
    evidence = hard(make, make_history, task, HARD[case])
    values, reasons = metric(name).compute(evidence), metric(name).left_out(evidence)
    assert values or reasons
    assert all(math.isfinite(value) for value in values.values())
    assert not values.keys() & reasons.keys()
