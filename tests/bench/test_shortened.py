"""A stage with few steps has the batches and the learning rates of the whole one."""

from __future__ import annotations

import numpy as np
import pytest

from kpipe.bench.shortened import few, shortened, steps_in
from kpipe.data.splits import ArraySplit
from kpipe.signature import Feature, Signature, Target
from kpipe.training.fit import Fit
from kpipe.training.loop.subset import Subset
from kpipe.training.pretrain_layerwise import PretrainLayerwise

VECTORS = Signature(
    inputs=(Feature(name="x", kind="vector", shape=(1,), dtype="float32"),),
    target=Target(task="classes", names=("a", "b")),
)


def split(examples: int) -> ArraySplit:
    arrays = {"x": np.zeros((examples, 1), "float32"), "target": (np.arange(examples) % 2).astype("int32")}
    return ArraySplit(arrays)


def test_the_last_batch_stays_as_short_as_it_was() -> None:
    short = shortened(Fit(epochs=4), split(1000 + 7), VECTORS, batch_size=10, steps=25, seed=0)
    assert len(short.train) == 24 * 10 + 7
    assert (short.steps, short.mixed) == (101, False)


def test_the_learning_rate_goes_its_course_as_slowly_as_before() -> None:
    short = shortened(Fit(epochs=40), split(1000), VECTORS, batch_size=10, steps=25, seed=0)
    assert dict(short.method)["epochs"] * 25 == 40 * 100
    assert dict(short.method)["stop_after"] == 20


def test_a_small_split_is_left_as_it_is() -> None:
    whole = split(100)
    assert shortened(Fit(), whole, VECTORS, 10, 25, 0).train is whole


def test_steps_that_the_pipeline_sets_are_cut_too() -> None:
    short = shortened(Fit(steps_per_epoch=300, epochs=2), split(100), VECTORS, 10, 25, 0)
    assert (dict(short.method)["steps_per_epoch"], short.steps, len(short.train)) == (25, 300, 100)


def test_examples_that_the_pipeline_leaves_out_are_left_out() -> None:
    short = shortened(Fit(examples=50), split(1000), VECTORS, 10, 25, 0)
    assert (short.steps, len(short.train), dict(short.method)["examples"]) == (5, 50, None)


def test_patience_does_not_end_it() -> None:
    short = shortened(Fit.model_validate({"early_stopping": {"patience": 1}}), split(50), VECTORS, 10, 25, 0)
    assert dict(short.method)["early_stopping"] is None


def test_what_trains_several_things_has_few_epochs_for_each_and_is_not_left_in_the_middle() -> None:
    short = shortened(PretrainLayerwise(epochs=20), split(50), VECTORS, 10, 25, 0)
    assert not short.stoppable
    assert dict(short.method)["stop_after"] == 3
    assert shortened(Fit(), split(50), VECTORS, 10, 25, 0).stoppable


@pytest.mark.parametrize("steps", [8, 20])
def test_each_shape_of_batch_keeps_its_share(steps: int) -> None:
    groups = (np.arange(0, 600), np.arange(600, 900), np.arange(900, 907))
    grouped = Subset(Grouped(split(907), groups), np.arange(907))
    part = few(grouped, groups, 10, steps, seed=0)
    batches = [-(-len(group) // 10) for group in part.groups]
    assert len(batches) == 3
    assert abs(batches[0] - 2 * batches[1]) <= 1
    assert batches[2] == 1
    assert abs(steps_in(part, part.groups, 10) - steps) <= 2


class Grouped:
    """A split whose batches have several shapes."""

    def __init__(self, inner: ArraySplit, groups: tuple[np.ndarray, ...]) -> None:
        self.inner, self.groups, self.take = inner, groups, inner.take

    def __len__(self) -> int:
        return len(self.inner)
