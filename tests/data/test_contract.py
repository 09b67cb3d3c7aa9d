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
from kpipe.data.source import Source
from kpipe.data.splits import Splits
from kpipe.spec.one_of import components

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
    """Every example of every split, as bytes."""
    examples = []
    for _, split in splits:
        batch = split.take(np.arange(len(split)))
        examples += [tuple(array[index].tobytes() for array in batch.values()) for index in range(len(split))]
    return examples


def test_all_the_sources_are_found() -> None:
    assert {"sklearn", "tfds", "image_folder", "npz", "table"} <= set(SOURCES)
    assert {"image", "vector", "table"} <= set(PREPARATIONS)


def test_batches_are_as_the_signature_says(splits: Splits) -> None:
    signature = splits.signature
    for name, split in splits:
        batch = split.take(np.array([len(split) - 1, 0, 0]))
        assert set(batch) == {*(feature.name for feature in signature.inputs), signature.target.name}, name
        for feature in signature.inputs:
            assert batch[feature.name].shape == (3, *feature.shape)
            assert batch[feature.name].dtype == feature.dtype
        target = batch[signature.target.name]
        if signature.target.task == "classes":
            assert target.shape == (3,)
            assert target.dtype == np.int32
            assert target.min() >= 0
            assert target.max() < signature.target.size
        else:
            assert target.shape == (3, signature.target.size)
            assert target.dtype == np.float32


def test_kind_and_task_told_early_are_those_loaded(source: Source, splits: Splits) -> None:
    assert source.kind in (None, splits.signature.input.kind)
    assert source.task in (None, splits.signature.target.task)


def test_take_gives_any_order_and_repeats(splits: Splits) -> None:
    split = splits.train
    every = split.take(np.arange(len(split)))
    order = np.random.default_rng(1).integers(0, len(split), 2 * len(split))
    for name, array in split.take(order).items():
        np.testing.assert_array_equal(array, every[name][order])


def test_same_seed_same_splits_other_seed_others(source: Source, splits: Splits) -> None:
    again, other = source.load(seed=0), source.load(seed=1)
    assert whole(again) == whole(splits)
    assert again.fingerprint == splits.fingerprint
    assert re.fullmatch(r"[0-9a-f]{64}", splits.fingerprint)
    assert other.fingerprint != splits.fingerprint


def test_splits_are_complete_whatever_the_seed(source: Source, splits: Splits) -> None:
    assert sorted(whole(splits)) == sorted(whole(source.load(seed=7)))


def test_mean_and_variance_are_those_of_train_alone(splits: Splits) -> None:
    feature = splits.signature.input
    inputs = splits.train.take(np.arange(len(splits.train)))[feature.name].astype(np.float64)
    axes = tuple(range(inputs.ndim - 1))
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
