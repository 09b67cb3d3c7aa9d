"""What every data source and every preparation keeps to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter

from kpipe.data.preparation.load import load_preparation
from kpipe.data.preparation.preparation import Preparation
from kpipe.data.preparation.window_split import WindowSplit
from kpipe.data.source import Source
from kpipe.data.split_rule import OrderedSplitRule
from kpipe.data.splits import Batch, Splits
from kpipe.signature import Feature, Signature
from kpipe.spec.one_of import components
from kpipe.tokenization.special import END, IGNORED, PADDING, START
from kpipe.tokenization.vocabulary import Vocabulary

SOURCES = components("kpipe.data")
PREPARATIONS = components("kpipe.data.preparation")
Make = Callable[[str], dict[str, Any]]


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, prepared_source: Make) -> Source:
    made = TypeAdapter(SOURCES[request.param]).validate_python(prepared_source(request.param))
    assert isinstance(made, Source)
    return made


@pytest.fixture
def splits(source: Source) -> Splits:
    return source.load(seed=0)


def whole(splits: Splits) -> list[tuple[bytes, ...]]:
    """Every example of every split, as bytes; of tokens their words, for a number depends on what is in train."""
    examples = []
    signature = splits.signature
    vocabularies = {place.name: place.vocabulary for place in (*signature.inputs, signature.target)}
    for _, split in splits:
        batch = split.take(np.arange(len(split)))
        for index in range(len(split)):
            rows = {name: array[index] for name, array in batch.items()}
            examples.append(tuple(as_bytes(row, vocabularies[name], signature) for name, row in rows.items()))
    return examples


def as_bytes(row: np.ndarray, vocabulary: Vocabulary | None, signature: Signature) -> bytes:
    """One example, without padding: how long a batch is, is not the example's."""
    if vocabulary is not None:
        return repr(vocabulary.words(row)).encode()
    return row[row != IGNORED].tobytes() if signature.target.task == "tags" else row.tobytes()


def steps(splits: Splits) -> int:
    """How many tokens all splits hold."""
    name = splits.signature.input.name
    return sum(int((split.take(np.arange(len(split)))[name] != PADDING).sum()) for _, split in splits)


def test_all_the_sources_are_found() -> None:
    assert {"sklearn", "tfds", "image_folder", "npz", "table", "text_table", "conll", "text", "time_series"} <= set(
        SOURCES
    )
    assert {"image", "vector", "table", "text", "tags", "window"} <= set(PREPARATIONS)


def test_batches_are_as_the_signature_says(splits: Splits) -> None:
    signature = splits.signature
    for name, split in splits:
        batch = split.take(np.array([len(split) - 1, 0, 0]))
        assert set(batch) == {*(feature.name for feature in signature.inputs), signature.target.name}, name
        for feature in signature.inputs:
            check_input(batch[feature.name], feature)
        check_target(batch[signature.target.name], batch, signature)


def check_input(array: np.ndarray, feature: Feature) -> None:
    assert array.dtype == feature.dtype
    if feature.kind != "tokens":
        assert array.shape == (3, *feature.shape)
        return
    assert feature.shape == (None,)
    assert feature.vocabulary is not None
    assert feature.max_length is not None
    assert array.ndim == 2
    assert len(array) == 3
    assert 1 <= array.shape[1] <= feature.max_length
    assert array.min() >= 0
    assert array.max() < feature.vocabulary.size
    assert END not in array
    assert (array[:, 0] != PADDING).all()
    assert (np.diff((array == PADDING).astype(int), axis=1) >= 0).all(), "padding stands at the end"


def check_target(array: np.ndarray, batch: Batch, signature: Signature) -> None:
    target = signature.target
    if target.is_discrete:
        assert array.dtype == np.int32
        assert array.min() >= (0 if target.task == "classes" else IGNORED)
        assert array.max() < target.size
    else:
        assert array.dtype == np.float32
    if target.task == "classes":
        assert array.shape == (3,)
    elif target.task == "forecast":
        assert array.shape == (3, target.horizon, target.size)
    elif target.is_per_step:
        stands_before = batch[signature.inputs[-1].name]
        assert array.shape == stands_before.shape
        np.testing.assert_array_equal(array == IGNORED, stands_before == PADDING)
    else:
        assert array.shape == (3, target.size)
    if target.task == "text":
        assert [feature.name for feature in signature.inputs] == ["source", "previous"]
        assert (batch["previous"][:, 0] == START).all()
        lengths = (array != IGNORED).sum(axis=1)
        np.testing.assert_array_equal(array[np.arange(3), lengths - 1], END)
        for before, after, length in zip(batch["previous"], array, lengths, strict=True):
            np.testing.assert_array_equal(before[1:length], after[: length - 1])
    if target.task == "next_token":
        for before, after in zip(batch["tokens"], array, strict=True):
            length = (after != IGNORED).sum()
            np.testing.assert_array_equal(before[1:length], after[: length - 1])


def test_kind_and_task_told_early_are_those_loaded(source: Source, splits: Splits) -> None:
    assert source.kind in (None, splits.signature.input.kind)
    assert source.task in (None, splits.signature.target.task)


def test_take_gives_any_order_and_repeats(splits: Splits) -> None:
    split = splits.train
    every = split.take(np.arange(len(split)))
    order = np.random.default_rng(1).integers(0, len(split), 2 * len(split))
    for name, array in split.take(order).items():
        np.testing.assert_array_equal(array, every[name][order])


def test_groups_hold_each_example_once_and_give_batches_of_one_shape(splits: Splits) -> None:
    for _, split in splits:
        np.testing.assert_array_equal(np.sort(np.concatenate(split.groups)), np.arange(len(split)))
        for group in split.groups:
            shapes = {
                tuple(array.shape[1:] for array in split.take(group[[place]]).values()) for place in range(len(group))
            }
            assert len(shapes) == 1


def test_an_example_that_is_not_there_is_all_padding(splits: Splits) -> None:
    signature = splits.signature
    if not signature.is_padded:
        return
    batch = splits.train.take(np.array([0, -1]))
    for feature in signature.inputs:
        assert (batch[feature.name][1] == PADDING).all()
    missing = batch[signature.target.name][1]
    assert (missing == IGNORED).all() if signature.target.is_discrete else np.isnan(missing).all()


def is_in_order(source: Source) -> bool:
    """Whether a source splits by position or time: then no seed changes anything."""
    return isinstance(getattr(source, "split", None), OrderedSplitRule)


def test_same_seed_same_splits_other_seed_others(source: Source, splits: Splits) -> None:
    again, other = source.load(seed=0), source.load(seed=1)
    assert whole(again) == whole(splits)
    assert again.fingerprint == splits.fingerprint
    assert re.fullmatch(r"[0-9a-f]{64}", splits.fingerprint)
    assert (other.fingerprint == splits.fingerprint) == is_in_order(source)


def test_splits_are_complete_whatever_the_seed(source: Source, splits: Splits) -> None:
    other = source.load(seed=7)
    if source.type == "procedural":  # the seed is what the examples are made of
        assert len(set(whole(splits))) == len(set(whole(other))) == sum(len(split) for _, split in splits)
        return
    if splits.signature.input.vocabulary is not None:
        assert steps(splits) == steps(other)
    assert sorted(whole(splits)) == sorted(whole(other))


def test_mean_and_variance_are_those_of_train_alone(splits: Splits) -> None:
    feature = splits.signature.input
    if feature.kind == "tokens":
        assert not feature.mean
        return
    inputs = splits.train.take(np.arange(len(splits.train)))[feature.name].astype(np.float64)
    axes = tuple(range(inputs.ndim - 1))
    if isinstance(splits.train, WindowSplit):  # windows overlap: each row counts once
        rows = splits.train.first + len(splits.train) - 1 + splits.train.horizon
        inputs, axes = splits.train.inputs[:rows].astype(np.float64), (0,)
    np.testing.assert_allclose(feature.mean, inputs.mean(axis=axes), rtol=1e-9)
    np.testing.assert_allclose(feature.variance, inputs.var(axis=axes), rtol=1e-9)


def test_every_class_has_a_name_and_an_example_in_train(splits: Splits) -> None:
    target = splits.signature.target
    if target.task == "classes":
        codes = splits.train.take(np.arange(len(splits.train)))[target.name]
        assert set(codes.tolist()) == set(range(target.size))
        assert len(set(target.names)) == target.size


def test_preparation_survives_its_json(splits: Splits) -> None:
    text = splits.preparation.model_dump_json()
    again = load_preparation(text)
    assert again == splits.preparation
    assert again.model_dump_json() == text
    assert again.target == splits.signature.target


def test_source_survives_its_resolved_form(source: Source, splits: Splits) -> None:
    again = TypeAdapter(type(source)).validate_python(yaml.safe_load(yaml.safe_dump(source.model_dump(mode="json"))))
    assert again == source
    assert again.load(seed=0).fingerprint == splits.fingerprint


def test_origin_is_short(splits: Splits) -> None:
    assert 3 < len(splits.origin) < 60


@pytest.mark.parametrize("component", [*SOURCES.values(), *PREPARATIONS.values()], ids=lambda found: found.__qualname__)
class TestEveryComponent:
    def test_docstring_has_its_sections(self, component: type[Source]) -> None:
        doc = component.__doc__ or ""
        assert len(component.summary()) < 110
        assert component.summary().endswith(".")
        for section in ("Shapes:", "Raises:", "Example:"):
            assert section in doc, section

    def test_fields_are_described(self, component: type[Source]) -> None:
        for name, field in component.model_fields.items():
            assert name == "type" or (field.description or "").strip(), name

    def test_example_is_yaml_with_known_fields(self, component: type[Source]) -> None:
        text = (component.__doc__ or "").split("Example:\n", 1)[1].split("\n\n")[0]
        written = yaml.safe_load(text)
        written = written.get("data", written)
        assert written["type"] == component.model_fields["type"].default
        assert set(written) <= set(component.model_fields)


@pytest.mark.parametrize("component", PREPARATIONS.values(), ids=PREPARATIONS)
def test_preparation_is_built_from_its_example(component: type[Preparation]) -> None:
    made = component.model_validate(component.example)
    assert load_preparation(made.model_dump_json()) == made
