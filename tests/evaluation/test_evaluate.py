from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from kpipe.errors import WrongInput
from kpipe.evaluation.evaluate import METRICS, PLOTS, Evaluate, title
from kpipe.evaluation.evidence import Evidence
from kpipe.spec.one_of import components

Make = Callable[..., Evidence]


def test_by_default_all_that_fits_is_measured(make_guessed: Make) -> None:
    assert {"loss", "accuracy", "macro_f1", "f1/0", "roc_auc", "calibration_error", "top_3_accuracy"} <= (
        Evaluate().measure(make_guessed("classes")).keys()
    )
    values = Evaluate().measure(make_guessed("values", outputs=1))
    assert values.keys() == {"loss", "mae", "rmse", "r2"}


def test_only_what_is_named_is_measured_in_the_order_written(make_guessed: Make) -> None:
    spec = Evaluate.model_validate({"metrics": [{"type": "top_k_accuracy", "k": 2}, "accuracy"], "plots": []})
    assert list(spec.measure(make_guessed("classes"))) == ["top_2_accuracy", "accuracy"]
    assert list(spec.draw(make_guessed("classes"))) == []


def test_pictures_come_by_name(make_guessed: Make, make_history: Any) -> None:
    spec = Evaluate.model_validate({"plots": ["samples", "mistakes", "learning_curves"]})
    drawn = dict(spec.draw(make_guessed("classes")))
    assert list(drawn) == ["samples", "mistakes"]  # there is no history to draw curves of
    assert title("mistakes") == "The worst mistakes"


@pytest.mark.parametrize(
    ("section", "name", "task", "kind", "given"),
    [
        ("metrics", "rmse", "classes", "image", "the task classes"),
        ("metrics", "accuracy", "values", "vector", "the task values"),
        ("plots", "residuals", "labels", None, "the task labels"),
        ("plots", "grad_cam", "classes", "vector", "vector inputs"),
        ("plots", "samples", None, "vector", "vector inputs"),
    ],
)
def test_what_does_not_fit_is_a_mistake(section: str, name: str, task: Any, kind: Any, given: str) -> None:
    spec = Evaluate.model_validate({section: ["loss" if section == "metrics" else "learning_curves", name]})
    (problem,) = spec.misfits(task, kind)
    assert problem.path == ("evaluate", section, 1)
    assert problem.message == f"`{name}` does not fit {given}"
    assert problem.hint.startswith(f"{section} that fit: ")
    assert name not in problem.hint


def test_what_is_not_known_yet_fits() -> None:
    every = {"metrics": list(components(METRICS)), "plots": list(components(PLOTS))}
    assert Evaluate.model_validate(every).misfits(None, None) == []
    assert Evaluate().misfits("values", "vector") == []


def test_what_does_not_fit_the_loaded_data_is_refused(make_signature: Any) -> None:
    spec = Evaluate.model_validate({"metrics": ["rmse"], "plots": ["residuals"]})
    spec.require_fit(make_signature("values", ("y",)))
    with pytest.raises(WrongInput) as caught:
        spec.require_fit(make_signature("classes", ("a", "b")))
    assert caught.value.message == (
        "evaluate.metrics.0: `rmse` does not fit the task classes\n"
        "evaluate.plots.0: `residuals` does not fit the task classes"
    )
    assert "metrics that fit: accuracy" in caught.value.hint


def test_a_picture_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="problem") as caught:
        Evaluate.model_validate({"plots": ["samples", {"type": "samples", "count": 3}]})
    (error,) = caught.value.errors()
    (problem,) = error["ctx"]["problems"]
    assert problem.path == ("plots", 1)
    assert problem.message == "`samples` is named twice"
