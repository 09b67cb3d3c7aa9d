"""The space held against the pipeline; the pipelines of trials. What is refused, in words: tests/golden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpipe.data.path import ELSEWHERE
from kpipe.data.sklearn import Sklearn
from kpipe.errors import SpecError
from kpipe.models.cnn import CNN
from kpipe.pipeline import Pipeline, axes, effective_yaml, with_values
from kpipe.spec.check import checked
from kpipe.spec.document import Document, document_of, read
from kpipe.spec.yaml import dump
from kpipe.training.fit import Fit

DIGITS: dict[str, Any] = {
    "name": "digits",
    "data": {"type": "sklearn", "dataset": "digits"},
    "model": {"type": "cnn", "filters": [8, 16], "dropout": 0.2},
    "train": {"type": "fit", "epochs": 3, "optimizer": {"AdamW": {"learning_rate": 1e-3}}},
}


def pipeline(space: dict[str, Any] | None = None, **sections: Any) -> Pipeline:
    tune = {} if space is None else {"tune": {"type": "random", "objective": "val_accuracy", "space": space}}
    return checked(Pipeline, document_of({**DIGITS, **tune, **sections}))


def mistakes(space: dict[str, Any], **sections: Any) -> list[str]:
    with pytest.raises(SpecError) as raised:
        pipeline(space, **sections)
    return [f"{'.'.join(map(str, one.path))}: {one.message}" for one in raised.value.mistakes]


def test_axes_know_what_is_whole_and_what_the_pipeline_has() -> None:
    space = {
        "model.dropout": {"min": 0.0, "max": 0.5},
        "model.weight_decay": {"min": 0, "max": 1},
        "model.filters.1": {"min": 8, "max": 64},
        "train.optimizer.AdamW.learning_rate": {"min": 1e-4, "max": 1e-2, "sampling": "log"},
        "train.optimizer.AdamW.weight_decay": {"min": 0.0, "max": 0.1},
        "train.epochs": {"min": 1, "max": 9},
        "model.residual": {"boolean": True},
        "model.activation": {"choices": ["gelu", "relu"]},
        "backend": {"choices": ["jax", "torch"]},
    }
    found = {axis.path: (axis.whole, axis.default) for axis in axes(pipeline(space))}
    assert found == {
        "model.dropout": (False, 0.2),
        "model.weight_decay": (False, 0.0),
        "model.filters.1": (True, 16),
        "train.optimizer.AdamW.learning_rate": (False, 1e-3),
        "train.optimizer.AdamW.weight_decay": (False, None),
        "train.epochs": (True, 3),
        "model.residual": (False, False),
        "model.activation": (False, "relu"),
        "backend": (False, None),
    }
    assert axes(pipeline()) == ()


def test_a_range_whose_field_takes_fractions_below_1_and_steps_above_is_whole() -> None:
    """A warm-up is a fraction, or whole steps: 7.3 steps are none."""
    train = {"type": "fit", "epochs": 3, "schedule": {"type": "cosine", "warmup": 5}}
    (axis,) = axes(pipeline({"train.schedule.warmup": {"min": 0, "max": 20}}, train=train))
    assert (axis.whole, axis.default) == (True, 5)


def test_what_when_names_comes_first_and_what_does_not_hold_has_no_own_value() -> None:
    space = {
        "model.groups": {"choices": [2, 4], "when": {"model.normalization": "group"}},
        "model.spatial_dropout": {"choices": [0.1, 0.2], "when": {"model.groups": [2, 4]}},
        "model.normalization": {"choices": ["batch", "group"]},
        "model.dropout": {"choices": [0.2, 0.3], "when": {"model.normalization": "batch"}},
    }
    found = axes(pipeline(space))
    assert [axis.path.removeprefix("model.") for axis in found] == [
        "normalization", "groups", "spatial_dropout", "dropout",
    ]  # fmt: skip
    assert [axis.default for axis in found] == ["batch", None, None, 0.2]


def test_choices_of_whole_parts_know_which_one_the_pipeline_has() -> None:
    models = ["cnn", {"type": "cnn", "filters": [8, 16], "dropout": 0.2}, {"type": "transformer", "layers": 1}]
    optimizers = [{"SGD": {"learning_rate": 0.1}}, {"AdamW": {"learning_rate": 0.001}}]
    found = axes(pipeline({"model": {"choices": models}, "train.optimizer": {"choices": optimizers}}))
    assert [axis.default for axis in found] == [models[1], optimizers[1]]


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ({"train.0.epochs": 7}, lambda found: found.train[0].epochs == 7),
        ({"train.epochs": 7}, lambda found: found.train[0].epochs == 7),
        (
            {"train.optimizer.AdamW.learning_rate": 0.5},
            lambda found: found.train[0].optimizer.arguments == {"learning_rate": 0.5},
        ),
        (
            {"train.optimizer.AdamW.weight_decay": 0.5},
            lambda found: found.train[0].optimizer.arguments == {"learning_rate": 1e-3, "weight_decay": 0.5},
        ),
        ({"model.filters.1": 32}, lambda found: found.model.filters == (8, 32)),
        ({"backend": "jax"}, lambda found: found.backend == "jax"),
        ({"threads": 2, "seed": 5}, lambda found: (found.threads, found.seed) == (2, 5)),
        ({"model": {"type": "cnn", "filters": [4]}}, lambda found: found.model == CNN(filters=(4,))),
        ({"model": "cnn"}, lambda found: found.model == CNN()),
        ({"model.type": "transformer", "model.dropout": 0.1}, lambda found: found.model.type == "transformer"),
        ({"train.optimizer": {"SGD": {"momentum": 0.9}}}, lambda found: found.train[0].optimizer.name == "SGD"),
        ({"train.optimizer": "Adam"}, lambda found: found.train[0].optimizer.name == "Adam"),
        ({"train": [{"type": "fit", "epochs": 1}, "fit"]}, lambda found: len(found.train) == 2),
        ({"train": "fit"}, lambda found: found.train[0].epochs == 10),
        ({"model.dense": [16]}, lambda found: found.model.dense == (16,)),
        ({}, lambda found: found == pipeline()),
    ],
)
def test_values_are_put_in_by_path(values: dict[str, Any], seen: Any) -> None:
    for base in (pipeline(), pipeline({"model.dropout": {"min": 0.0, "max": 0.5}})):
        found = with_values(base, values)
        assert seen(found)
        assert found.tune is None


def test_values_go_into_defaults_that_are_not_written() -> None:
    """A position of a list, an argument of an optimizer, a field of the way of decoding."""
    base = checked(Pipeline, document_of({**DIGITS, "model": "cnn", "train": "fit"}))
    values = {"model.filters.1": 8, "train.optimizer.AdamW.weight_decay": 0.1, "decode.max_length": 9}
    text = {**DIGITS, "data": {"type": "procedural", "dataset": "reverse"}, "model": "encoder_decoder", "train": "fit"}
    found = with_values(base, dict(list(values.items())[:2]))
    assert found.model == CNN(filters=(32, 8, 128))
    assert found.train[0].optimizer.arguments == {"learning_rate": 1e-3, "weight_decay": 0.1}  # type: ignore[attr-defined]
    assert with_values(checked(Pipeline, document_of(text)), {"decode.max_length": 9}).decode.max_length == 9


def test_a_pipeline_made_in_python_can_be_searched_too() -> None:
    base = Pipeline(name="digits", data=Sklearn(dataset="digits"), model=CNN(filters=(8,)), train=(Fit(),))
    assert with_values(base, {"model.dropout": 0.3}).model == CNN(filters=(8,), dropout=0.3)


def test_values_of_one_of_several_stages() -> None:
    base = pipeline(train=[{"type": "fit", "epochs": 1}, {"type": "fit", "epochs": 2}])
    assert [stage.epochs for stage in with_values(base, {"train.1.epochs": 5}).train] == [1, 5]  # type: ignore[attr-defined]
    with pytest.raises(SpecError, match="positions: 0 to 1"):
        with_values(base, {"train.epochs": 5})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model.dropout": 1.5}, "model.dropout: 1.5 is outside"),
        ({"model.groups": 3, "model.normalization": "group"}, "do not divide into 3 groups"),
        ({"model.filtres": [8]}, "did you mean `filters`"),
        ({"model.filters.7": 8}, "no such position"),
    ],
)
def test_what_does_not_go_together_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        with_values(pipeline(), values)


def test_paths_of_a_trial_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x,y\n1,2\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    data = {"type": "table", "path": "a.csv", "target": "y"}
    space = {"data.path": {"choices": ["a.csv", "b.csv"]}}
    base = checked(
        Pipeline,
        document_of({**DIGITS, "data": data, "model": "mlp", "tune": {"type": "random", "space": space}}),
    )
    (axis,) = axes(base)
    assert axis.default == "a.csv"
    found = with_values(base, {"data.path": "b.csv"})
    assert f"path: {tmp_path / 'b.csv'}" in effective_yaml(found)


def test_a_search_is_not_checked_where_the_data_is_elsewhere() -> None:
    """As for a model that is rebuilt on another machine."""
    written = pipeline({"model.dropout": {"min": 0.0, "max": 0.5}}).model_dump(mode="json")
    written["tune"]["objective"] = "val_none"
    assert Pipeline.model_validate(written, context=ELSEWHERE).tune is not None


def test_a_corner_that_cannot_be_is_no_mistake_but_a_value_that_never_fits_is() -> None:
    """6 groups divide no number of filters that the pipeline has, but one of the space."""
    groups = {"choices": [8, 6], "when": {"model.normalization": "group"}}
    kinds = {"choices": ["batch", "group"]}
    wide = {"model.groups": groups, "model.normalization": kinds, "model.filters": {"choices": [[8, 16], [24, 48]]}}
    assert len(axes(pipeline(wide))) == 3
    narrow = {"model.groups": groups, "model.normalization": kinds}
    assert mistakes(narrow) == [
        "tune.space.model.groups.choices.1: 8 filters do not divide into 6 groups",
        "tune.space.model.groups.choices.1: 16 filters do not divide into 6 groups",
    ]


def test_two_optimizers_that_are_never_searched_together_are_taken() -> None:
    space = {
        "model.type": {"choices": ["cnn", "transformer"]},
        "train.optimizer.AdamW.weight_decay": {"min": 0.0, "max": 0.1, "when": {"model.type": "cnn"}},
        "train.optimizer.SGD.momentum": {"min": 0.0, "max": 0.9, "when": {"model.type": "transformer"}},
    }
    assert len(axes(pipeline(space))) == 3


def test_hyperband_takes_epochs_of_other_stages() -> None:
    data = {"type": "sklearn", "dataset": "digits"}
    stages = [{"type": "pretrain_layerwise", "epochs": 2}, {"type": "fit", "epochs": 3}]
    space = {"train.0.epochs": {"min": 1, "max": 3}}
    base = {"name": "x", "data": data, "model": "stacked_autoencoder", "train": stages}
    tune = {"type": "hyperband", "objective": "val_loss", "space": space}
    (axis,) = axes(checked(Pipeline, document_of({**base, "tune": tune})))
    assert axis.default == 2
    with pytest.raises(SpecError, match="hyperband itself"):
        checked(Pipeline, document_of({**base, "tune": {**tune, "space": {"train.1.epochs": {"min": 1, "max": 3}}}}))


@pytest.mark.parametrize(
    ("objective", "metrics", "message"),
    [
        ("val_macro_f1", None, ""),
        ("val_f1/7", None, ""),
        ("val_top_5_accuracy", [{"type": "top_k_accuracy", "k": 5}], ""),
        ("val_top_3_accuracy", [{"type": "top_k_accuracy", "k": 5}], "gives no `top_3_accuracy`"),
        ("val_f1/7", [{"type": "f1", "per_class": False}], "gives no `f1/7`"),
        ("val_subset_accuracy", None, "did you mean"),
        ("val_rmse", None, "gives no `rmse`"),
        ("loss", ["accuracy"], "does not begin with `val_`"),
        ("val_accuracy", [], "add `accuracy` to `evaluate.metrics`"),
    ],
)
def test_objectives(objective: str, metrics: Any, message: str) -> None:
    tune = {"type": "random", "objective": objective, "space": {"model.dropout": {"min": 0.0, "max": 0.5}}}
    document = document_of({**DIGITS, "tune": tune, **({} if metrics is None else {"evaluate": {"metrics": metrics}})})
    if not message:
        assert checked(Pipeline, document).tune is not None
        return
    with pytest.raises(SpecError, match=message):
        checked(Pipeline, document)


def test_a_direction_that_is_given_needs_no_name_that_tells() -> None:
    text = {**DIGITS, "data": {"type": "procedural", "dataset": "reverse"}, "model": "encoder_decoder"}
    tune = {"type": "random", "objective": "val_bits_per_token", "space": {"model.dropout": {"min": 0.0, "max": 0.5}}}
    with pytest.raises(SpecError, match="add `direction: min`"):
        checked(Pipeline, document_of({**text, "tune": tune}))
    found = checked(Pipeline, document_of({**text, "tune": {**tune, "direction": "min"}}))
    assert found.tune is not None
    assert found.tune.best == "min"


SPACE: dict[str, tuple[dict[str, Any], Any]] = {
    "model.dropout": ({"min": 0.0, "max": 0.5}, st.floats(0.0, 0.5)),
    "model.filters.1": ({"min": 8, "max": 64}, st.integers(8, 64)),
    "model.normalization": ({"choices": ["batch", "none"]}, st.sampled_from(["batch", "none"])),
    "model.dense": ({"choices": [[], [8, 4]]}, st.sampled_from([[], [8, 4]])),
    "train.optimizer.AdamW.learning_rate": ({"min": 1e-4, "max": 1e-1}, st.floats(1e-4, 1e-1)),
    "train.0.epochs": ({"min": 1, "max": 9}, st.integers(1, 9)),
    "model.residual": ({"boolean": True}, st.booleans()),
    "data.batch_size": ({"choices": [32, 64]}, st.sampled_from([32, 64])),
    "backend": ({"choices": ["jax", "torch"]}, st.sampled_from(["jax", "torch"])),
}


@settings(max_examples=60, deadline=None)
@given(data=st.data(), paths=st.sets(st.sampled_from(sorted(SPACE)), min_size=1))
def test_values_go_in_and_come_out_as_they_are(data: st.DataObject, paths: set[str]) -> None:
    """What a trial's own YAML says is what was put in, and it reads back to the same pipeline."""
    base = pipeline({path: SPACE[path][0] for path in sorted(paths)})
    assert {axis.path for axis in axes(base)} == paths
    values = {path: data.draw(SPACE[path][1]) for path in sorted(paths)}
    trial = with_values(base, values)
    assert with_values(trial, {}) == trial
    assert with_values(with_values(base, dict(reversed(values.items()))), {}) == trial
    own = {axis.path: axis.default for axis in axes(checked(Pipeline, document_of(again(trial, base))))}
    assert {path: own[path] for path in values} == values


def again(trial: Pipeline, base: Pipeline) -> dict[str, Any]:
    """The trial with the search of its base."""
    return {**trial.model_dump(mode="json"), "tune": base.model_dump(mode="json")["tune"]}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PATHS = st.sampled_from(
    [*SPACE, "model", "model.type", "train", "train.optimizer", "data", "decode", "seed", "tune.space", "track.tags"]
) | st.text("abm.0rtAd_é \n", max_size=12)
FIELDS = st.sampled_from(["min", "max", "step", "sampling", "choices", "boolean", "when", "whn"])
DIMENSIONS = ANYTHING | st.dictionaries(FIELDS, ANYTHING | st.dictionaries(PATHS, ANYTHING, max_size=2), max_size=4)
DIMENSIONS = DIMENSIONS | st.builds(lambda values: {"choices": values}, st.lists(ANYTHING, min_size=2, max_size=3))


def read_or_refused(document: Document) -> Pipeline | SpecError:
    try:
        return checked(Pipeline, document)
    except SpecError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(space=st.dictionaries(PATHS, DIMENSIONS, max_size=4) | ANYTHING)
def test_no_space_whatever_it_holds_ends_in_a_traceback(space: Any) -> None:
    for kind in ("random", "grid", "bayesian", "hyperband"):
        found = read_or_refused(document_of({**DIGITS, "tune": {"type": kind, "space": space}}))
        assert axes(found) if isinstance(found, Pipeline) else str(found)


@settings(max_examples=60, deadline=None)
@given(space=st.dictionaries(PATHS, DIMENSIONS, min_size=1, max_size=4))
def test_mistakes_in_a_file_have_their_line(space: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("garbage") / "p.yaml"
    tune = {"type": "random", "objective": "val_accuracy", "space": space}
    file.write_text(dump({**DIGITS, "tune": tune}), encoding="utf-8", newline="\n")
    found = read_or_refused(read(file))
    assert isinstance(found, Pipeline) or all(mistake.place.line > 0 for mistake in found.mistakes)
