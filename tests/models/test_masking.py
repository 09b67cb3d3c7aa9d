"""Padding changes nothing: whatever the lengths, on every backend, in every architecture that takes tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kpipe.models.architecture import Architecture
from kpipe.signature import Signature
from kpipe.spec.one_of import components

ARCHITECTURES = components("kpipe.models")
DEFAULTS: list[tuple[str, dict[str, Any], str]] = [
    (name, {}, task)
    for name, architecture in ARCHITECTURES.items()
    for kind, tasks in architecture.pairs.items()  # type: ignore[attr-defined]
    for task in sorted(tasks)
    if kind == "tokens"
]
VARIANTS: list[tuple[str, dict[str, Any], str]] = [
    ("rnn", {"cell": "simple", "bidirectional": True, "pooling": "last"}, "classes"),
    ("rnn", {"cell": "gru", "bidirectional": True, "pooling": "mean", "residual": True}, "classes"),
    ("rnn", {"units": [6, 6], "residual": True, "pooling": "max"}, "values"),
    ("rnn", {"units": [6, 4], "bidirectional": True, "residual": True, "pooling": "attention"}, "labels"),
    ("rnn", {"cell": "gru", "units": [6, 6], "bidirectional": True, "residual": True}, "tags"),
    ("rnn", {"cell": "simple", "units": [6, 4], "residual": True}, "next_token"),
]
LONGEST = 5
LENGTHS = st.lists(st.integers(1, LONGEST), min_size=3, max_size=3)
MORE_STEPS, MORE_ROWS = 3, 2
"""What is added. Two shapes in all, as JAX compiles for each."""


class Batch(NamedTuple):
    inputs: dict[str, np.ndarray]
    targets: np.ndarray


def drawn(signature: Signature, lengths: list[int], rng: np.random.Generator) -> Batch:
    """A batch of texts of ``lengths``; of a text to be written the lengths go the other way round."""
    target = signature.target
    inputs = {}
    for number, feature in enumerate(signature.inputs):
        assert feature.vocabulary is not None
        sizes = np.array(lengths if number == 0 else lengths[::-1])
        there = np.arange(LONGEST) < sizes[:, None]
        inputs[feature.name] = np.where(there, rng.integers(4, feature.vocabulary.size, there.shape), 0).astype("int32")
    if target.is_per_step:
        beside = inputs[signature.inputs[-1].name]
        return Batch(inputs, np.where(beside == 0, -1, rng.integers(0, target.size, beside.shape)).astype("int32"))
    if target.task == "classes":
        return Batch(inputs, rng.integers(0, target.size, len(lengths)).astype("int32"))
    numbers = rng.integers(0, 2, (len(lengths), target.size)).astype("float32")
    return Batch(inputs, numbers)


def padded(batch: Batch, steps: int, rows: int) -> Batch:
    """The same with more steps of padding, and rows that fill up the batch."""
    inputs = {name: np.pad(array, ((0, rows), (0, steps))) for name, array in batch.inputs.items()}
    nothing = np.nan if batch.targets.dtype.kind == "f" else -1
    more = steps if batch.targets.ndim == 2 and nothing == -1 else 0
    widths = ((0, rows), (0, more))[: batch.targets.ndim]
    return Batch(inputs, np.pad(batch.targets, widths, constant_values=nothing))


def fed(batch: Batch) -> Any:
    return batch.inputs if len(batch.inputs) > 1 else next(iter(batch.inputs.values()))


@pytest.mark.parametrize(("name", "fields", "task"), [*DEFAULTS, *VARIANTS], ids=lambda value: str(value))
def test_padding_changes_nothing(
    backend: str,
    signature_of: Callable[..., Signature],
    learner: Callable[..., Any],
    name: str,
    fields: dict[str, Any],
    task: str,
) -> None:
    import keras

    from kpipe.training.loop.losses import loss_of, metrics_of
    from kpipe.training.loop.masking import MaskedLoss, MaskedMetric

    signature = signature_of("tokens", task)
    architecture = ARCHITECTURES[name].model_validate({"type": name, **ARCHITECTURES[name].example, **fields})
    assert isinstance(architecture, Architecture)
    model, target = architecture.build(signature), signature.target
    loss = MaskedLoss(loss_of(target), target.is_discrete)
    learn = learner(model, loss)
    metric = MaskedMetric(metrics_of(target)[0], target.is_discrete)

    def measured(batch: Batch, outputs: np.ndarray) -> float:
        metric.reset_state()
        metric.update_state(batch.targets, outputs)
        return float(keras.ops.convert_to_numpy(metric.result()))

    # without shrinking: it would compile a new shape at every try
    @settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(LENGTHS, st.integers(0, 100))
    def check(lengths: list[int], seed: int) -> None:
        batch = drawn(signature, lengths, np.random.default_rng(seed))
        more = padded(batch, MORE_STEPS, MORE_ROWS)
        plain, other = (learn(fed(one), one.targets) for one in (batch, more))
        assert np.isfinite(other.outputs).all()
        before, after = plain.outputs, other.outputs[: len(lengths)]
        if target.is_per_step:
            there = batch.targets >= 0
            before, after = before[there], after[:, : there.shape[1]][there]
        np.testing.assert_allclose(after, before, atol=1e-5 * max(1.0, np.abs(before).max()))
        np.testing.assert_allclose(other.loss, plain.loss, rtol=1e-5)
        np.testing.assert_allclose(measured(more, other.outputs), measured(batch, plain.outputs), rtol=1e-5)
        for weight, expected, found in zip(model.trainable_variables, plain.gradients, other.gradients, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=weight.path)

    check()


def test_the_check_sees_a_leak(
    backend: str, signature_of: Callable[..., Signature], learner: Callable[..., Any]
) -> None:  # fmt: skip
    """A mean over all steps, padding too, is not the same once there is more padding."""
    import keras

    from kpipe.training.loop.losses import loss_of

    signature = signature_of("tokens", "classes")
    tokens = keras.Input((None,), dtype="int32")
    leaking = keras.Model(tokens, keras.ops.mean(keras.layers.Embedding(12, 4)(tokens), axis=1))
    batch = drawn(signature, [5, 2, 3], np.random.default_rng(0))
    learn = learner(leaking, loss_of(signature.target))
    plain, other = (learn(fed(one), one.targets) for one in (batch, padded(batch, 3, 0)))
    assert np.abs(other.outputs - plain.outputs).max() > 1e-4
