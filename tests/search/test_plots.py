"""The pictures of a search, looked at by what is in them."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from typing import Any

import pytest
from matplotlib.figure import Figure

from kpipe.evaluation.drawing import png
from kpipe.search.plots import best_so_far, contour, importance, parallel_coordinates
from kpipe.search.plots.scale import MISSING, Scale, label, labels
from kpipe.search.plots.span import span
from kpipe.search.trial import Trial
from kpipe.tuning.space import Axis, Choices, Range, Switch

RATE = Axis("train.optimizer.AdamW.learning_rate", Range(min=1e-4, max=0.1, sampling="log"))
DROPOUT = Axis("model.dropout", Range(min=0.0, max=0.5))
UNITS = Axis("model.units", Range(min=16, max=128, step=16), whole=True)
NORM = Axis("model.normalization", Choices(choices=("batch", "group", "none")))
GROUPS = Axis("model.groups", Choices(choices=(2, 4, 8), when={NORM.path: ("group",)}))
FILTERS = Axis("model.filters", Choices(choices=((16, 32), (32, 64), (32, 64, 128))))
SWITCH = Axis("model.residual", Switch(boolean=True))
PART = Axis("train.schedule", Choices(choices=({"type": "cosine"}, {"type": "step", "every": 2}, "constant")))
ALL = [RATE, DROPOUT, UNITS, NORM, GROUPS, FILTERS, SWITCH, PART]


def trials(axes: list[Axis], count: int = 30, seed: int = 0) -> list[Trial]:
    """Trials of which the tenth failed, the eleventh was stopped and the twelfth refused."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        values: dict[str, Any] = {}
        for axis in axes:
            if all(values.get(path) in held for path, held in axis.dimension.when.items()):
                values[axis.path] = draw_value(axis, chance)
        kept: dict[str, Any] = {"status": "done", "score": chance.uniform(0.9, 1.0)}
        if number in (9, 11):
            kept = {"status": "failed" if number == 9 else "refused", "message": "why"}
        elif number == 10:
            kept["status"] = "stopped"
        found.append(Trial(name=f"{number:02d}", values=values, **kept))
    return found


def draw_value(axis: Axis, chance: random.Random) -> Any:
    if axis.values is not None:
        return chance.choice(axis.values)
    assert isinstance(axis.dimension, Range)
    return chance.uniform(axis.dimension.min, axis.dimension.max)


def figures(found: list[Trial], axes: list[Axis], direction: Any = "max") -> dict[str, Figure | None]:
    return {
        "best_so_far": best_so_far.draw(found, "val_loss", direction),
        "parallel_coordinates": parallel_coordinates.draw(found, axes, "val_loss", direction),
        "contour": contour.draw(found, axes, "val_loss", direction),
    }


def words(figure: Figure) -> list[str]:
    """All that is written in the axes of a picture."""
    figure.canvas.draw()
    return [text.get_text() for axes in figure.axes for text in axes.findobj(lambda part: hasattr(part, "get_text"))]


@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize(
    "axes",
    [ALL, [RATE], [NORM], [RATE, DROPOUT], [NORM, SWITCH], [PART, UNITS], [NORM, GROUPS], [FILTERS, RATE]],
    ids=lambda axes: "-".join(axis.path.rpartition(".")[2] for axis in axes),
)
def test_every_kind_of_space_is_drawn(axes: list[Axis], direction: str) -> None:
    for name, figure in figures(trials(axes), axes, direction).items():
        assert figure is not None, name
        assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_drawn_of_fewer_than_two_trials(count: int) -> None:
    failed = Trial(name="09", values={RATE.path: 0.1}, status="failed")
    assert set(figures([*trials(ALL, count), failed], ALL).values()) == {None}


def test_nothing_is_drawn_of_failures_alone() -> None:
    found = [trial.model_copy(update={"status": "failed", "score": None}) for trial in trials(ALL)]
    assert set(figures(found, ALL).values()) == {None}


def test_two_equal_trials_are_drawn_where_they_can_be() -> None:
    one = Trial(name="00", values={RATE.path: 0.01}, status="done", score=0.5)
    drawn = figures([one, one.model_copy(update={"name": "01"})], [RATE])
    assert drawn["best_so_far"] is not None
    assert drawn["parallel_coordinates"] is not None
    assert drawn["contour"] is None  # nothing varies


def test_the_line_is_the_best_so_far_and_the_star_the_best() -> None:
    scores = [0.5, None, 0.4, 0.7, 0.6]
    found = [
        Trial(name=f"0{place}", values={}, status="done" if score else "failed", score=score)
        for place, score in enumerate(scores)
    ]
    for direction, line, star in (
        ("max", [0.5, 0.5, 0.7, 0.7, 0.7], (4, 0.7)),
        ("min", [0.5, 0.4, 0.4, 0.4, 0.4], (3, 0.4)),
    ):
        figure = best_so_far.draw(found, "val_x", direction)  # type: ignore[arg-type]
        assert figure is not None
        curve, best = figure.axes[0].get_lines()
        assert list(curve.get_ydata()) == line
        assert list(curve.get_xdata()) == [1, 3, 4, 5, 5]
        assert best.get_marker() == "*"
        assert (best.get_xdata()[0], best.get_ydata()[0]) == star


def test_what_became_of_the_trials_is_told_by_shape() -> None:
    figure = best_so_far.draw(trials([RATE]), "val_x", "max")
    assert figure is not None
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert set(legend) >= {"done", "not counted", "no score", "best so far"}


def test_a_trial_far_off_does_not_flatten_the_others() -> None:
    scores = [0.90 + 0.01 * place for place in range(9)] + [0.1]
    assert span(scores, "max") == (0.90, pytest.approx(0.98))
    assert span([-score for score in scores], "min") == (pytest.approx(-0.98), -0.90)
    assert span(scores, "min")[0] == 0.1  # here it is the best
    assert span([0.5, 0.5], "max") == pytest.approx((0.495, 0.505))
    found = [Trial(name=f"{place:02d}", values={}, status="done", score=score) for place, score in enumerate(scores)]
    figure = best_so_far.draw(found, "val_x", "max")
    assert figure is not None
    assert figure.axes[0].get_ylim()[0] > 0.8
    assert "lower" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_axes_have_short_names_and_the_values_as_they_are_sampled() -> None:
    figure = parallel_coordinates.draw(trials(ALL[:4]), ALL[:4], "val_accuracy", "max")
    assert figure is not None
    assert {"learning_rate", "dropout", "units", "normalization", "val_accuracy"} <= set(words(figure))
    assert {"0.0001", "0.001", "0.01", "0.1", "batch", "group", "none"} <= set(words(figure))
    figure = contour.draw(trials([RATE, NORM]), [RATE, NORM], "val_accuracy", "max")
    assert figure is not None
    assert {"learning_rate", "normalization", "0.001", "batch", "val_accuracy"} <= set(words(figure))


def test_of_many_hyperparameters_the_most_important_are_shown() -> None:
    shares = {SWITCH.path: 0.6, PART.path: 0.3, RATE.path: 0.1}
    axes = [Axis(f"model.a{place}", DROPOUT.dimension) for place in range(9)] + ALL
    chosen = parallel_coordinates.chosen(axes, shares)
    assert len(chosen) == parallel_coordinates.MOST
    assert all(axis in chosen for axis in (SWITCH, PART, RATE))
    found = trials(ALL)
    scales = contour.chosen([Scale(axis) for axis in ALL], found, shares)
    assert [scale.axis for scale in scales] == [SWITCH, PART]


def test_a_contour_prefers_what_most_trials_have() -> None:
    shares = {NORM.path: 0.6, GROUPS.path: 0.3, SWITCH.path: 0.1}
    scales = contour.chosen([Scale(axis) for axis in (GROUPS, NORM, SWITCH)], trials([NORM, GROUPS, SWITCH]), shares)
    assert [scale.axis for scale in scales] == [NORM, SWITCH]


def test_a_surface_needs_enough_trials() -> None:
    def has_surface(count: int) -> bool:
        figure = contour.draw(trials([RATE, DROPOUT], count), [RATE, DROPOUT], "val_x", "max")
        assert figure is not None
        return any(type(part).__name__ == "QuadMesh" for part in figure.axes[0].collections)

    assert not has_surface(9)
    assert has_surface(30)


def test_importance_is_bars_of_shares() -> None:
    figure = importance.draw({"a.b": 0.7, "a.c": 0.297, "a.d": 0.003}, "val_loss")
    assert figure is not None
    assert {"b", "c", "d", "70%", "30%", "<1%"} <= set(words(figure))
    assert importance.draw(None, "val_loss") is None
    assert importance.draw({"a": 1.0}, "val_loss") is None


def place(axis: Axis, value: Any) -> float:
    return Scale(axis).place(Trial(name="00", values={axis.path: value}))


def test_places() -> None:
    assert place(RATE, 1e-4) == 0.0
    assert place(RATE, 0.1) == pytest.approx(1.0)
    assert place(RATE, math.sqrt(1e-5)) == pytest.approx(0.5)
    assert place(DROPOUT, 0.25) == 0.5
    assert place(NORM, "group") == 0.5
    assert place(FILTERS, [32, 64]) == 0.5  # as it is read back from a file
    assert place(SWITCH, True) == 0.75
    assert Scale(NORM).place(Trial(name="00", values={})) == MISSING
    assert place(NORM, "unknown") == MISSING
    mixed = Axis("a", Choices(choices=(1, True, "1", 2.0)))
    assert [place(mixed, value) for value in (1, True, "1", 2)] == [0.125, 0.375, 0.625, 0.875]


def test_places_of_reverse_log_are_as_kerastuner_draws_them() -> None:
    """``max + min - min * (max / min) ** (1 - p)`` is drawn with chance ``p`` at most."""
    axis = Axis("a", Range(min=0.9, max=0.999, sampling="reverse_log"))
    for chance in (0.0, 0.25, 0.5, 1.0):
        value = 0.999 + 0.9 - 0.9 * (0.999 / 0.9) ** (1 - chance)
        assert place(axis, value) == pytest.approx(chance)


def test_ticks_are_round() -> None:
    assert [words for _, words in Scale(RATE).ticks()] == ["0.0001", "0.001", "0.01", "0.1"]
    narrow = Axis("a", Range(min=2e-3, max=6e-3, sampling="log"))
    assert len(Scale(narrow).ticks()) >= 2
    assert [words for _, words in Scale(SWITCH).ticks()] == ["false", "true"]
    wide = Axis("a", Range(min=1e-12, max=1.0, sampling="log"))
    assert 3 <= len(Scale(wide).ticks()) <= 5
    assert all(0 <= place <= 1 for axis in ALL for place, _ in Scale(axis).ticks())


def test_labels() -> None:
    assert label({"type": "cosine", "warmup_epochs": 2}) == "cosine"
    assert label({"AdamW": {"learning_rate": 0.1}}) == "AdamW"
    assert label([16, 32]) == "[16, 32]"
    assert [label(value) for value in (True, None, 1e-5, 0.123456, 64)] == ["true", "none", "1e-05", "0.1235", "64"]
    alike = labels([{"type": "step", "every": 2}, {"type": "step", "every": 3}, "step"])
    assert len(set(alike)) == 3
    assert len(set(labels(["a" * 40, "a" * 41]))) == 2


def test_scores_and_scales_need_no_matplotlib() -> None:
    code = "import sys, kpipe.search.report, kpipe.search.importance; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
