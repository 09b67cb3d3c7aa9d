"""Batches that TensorFlow is given several at once are the same batches in the same order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from kpipe.data.splits import ArraySplit
from kpipe.signature import Feature, Signature, Target

ROWS = Signature(
    inputs=(Feature(name="x", kind="vector", shape=(1,), dtype="float32"),),
    target=Target(name="y", task="classes", names=("a", "b", "c")),
)


@pytest.mark.parametrize("first", [0, 5, 23])
@pytest.mark.parametrize("examples", [40, 45, 3])
def test_chunks_part_into_the_batches(backend: str, examples: int, first: int) -> None:
    if backend != "tensorflow":
        pytest.skip("only TensorFlow takes batches in chunks")
    from kpipe.training.loop.batches import Examined, Plan, ShuffledBatches
    from kpipe.training.loop.chunks import in_chunks

    split = ArraySplit({"x": np.arange(examples, dtype="float32")[:, None], "y": np.arange(examples) % 3})
    batches = ShuffledBatches(Examined(split, ROWS), Plan(examples, 4, 7, 0), first)
    given = list(itertools.islice(in_chunks(batches).as_numpy_iterator(), 30))
    for index, (inputs, target) in enumerate(given):
        expected_inputs, expected_target = batches[index]
        np.testing.assert_array_equal(inputs, expected_inputs)
        np.testing.assert_array_equal(target, expected_target)
    assert len({len(target) for _, target in given}) == (1 if examples in (40, 3) else 2)
