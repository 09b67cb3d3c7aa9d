"""A model's outputs on a split, batch by batch, as probabilities or values in NumPy."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kpipe.errors import RunFailed
from kpipe.signature import Signature, Task
from kpipe.tokenization.special import IGNORED, PADDING

if TYPE_CHECKING:
    import keras

    from kpipe.examples import Examples

HELD_BYTES = 2**27
"""Up to this size outputs are held in memory, above it in a temporary file: reconstructed images may be many."""
CHUNK = 2**22
"""Numbers looked at together."""


class Steps(NamedTuple):
    """Outputs on the steps of all sequences, one sequence after the other."""

    outputs: np.ndarray
    """tags: probabilities (steps, num_tags); text, next_token: the most probable token (steps,)"""
    targets: np.ndarray | None
    """(steps,); None where the split holds none"""
    losses: np.ndarray | None
    """cross-entropy of each step (steps,)"""
    lengths: np.ndarray
    """steps of each example (examples,)"""


def predict(
    model: keras.Model, split: Examples, signature: Signature, batch_size: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """The model's raw outputs on the whole split, float32, and the targets beside them where the split holds any.

    Batches of the same group have the same shape (the last is filled up and cut back), so that no backend compiles
    twice.
    """
    outputs: np.ndarray | None = None
    targets: np.ndarray | None = None
    for indices, count in batches(split, batch_size):
        batch, places = split.take(indices), indices[:count]
        found, truth = run(model, fed(batch, signature)), batch.get(signature.target.name)
        if outputs is None:
            outputs = space((len(split), *found.shape[1:]), found.dtype)
            targets = None if truth is None else space((len(split), *truth.shape[1:]), truth.dtype)
        outputs[places] = found[:count]
        if targets is not None and truth is not None:
            targets[places] = truth[:count]
    assert outputs is not None
    return outputs, targets


def space(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array to be filled: in memory, or above HELD_BYTES in a file that is gone with it."""
    if math.prod(shape) * np.dtype(dtype).itemsize <= HELD_BYTES:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        reserve(file.fileno(), math.prod(shape) * np.dtype(dtype).itemsize)
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape).view(np.ndarray)


def reserve(file: int, size: int) -> None:
    """Takes the place on the disk now: a full disk would end the process when the array is written."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file, 0, size)
    except OSError as error:
        message = f"no room for {size / 1e6:,.0f} MB of outputs in {tempfile.gettempdir()}: {error.strerror}"
        raise RunFailed(message, "make room, or name another folder in TMPDIR") from error


def predict_steps(model: keras.Model, split: Examples, signature: Signature, batch_size: int) -> Steps:
    """What the model says of every step, for tasks with an answer each; of tokens only the most probable is kept."""
    target = signature.target
    found: dict[int, tuple[np.ndarray, np.ndarray | None, np.ndarray | None]] = {}
    for indices, count in batches(split, batch_size):
        batch = split.take(indices)
        logits = run(model, fed(batch, signature))[:count]
        truth = batch.get(target.name)
        there = batch[signature.input.name][:count] != PADDING if truth is None else truth[:count] != IGNORED
        for index, row, mask, right in zip(indices, logits, there, there if truth is None else truth, strict=False):
            exact: np.ndarray = row[mask].astype("float64")
            losses = None if truth is None else log_sum(exact) - exact[np.arange(len(exact)), right[mask]]
            kept = probabilities(exact, target.task) if target.task == "tags" else exact.argmax(axis=1).astype("int32")
            found[int(index)] = kept, None if truth is None else right[mask], losses
    outputs, targets, losses_found = zip(*(found[index] for index in range(len(split))), strict=True)
    return Steps(
        np.concatenate(outputs),
        None if targets[0] is None else np.concatenate(targets),
        None if losses_found[0] is None else np.concatenate(losses_found),
        np.array([len(one) for one in outputs]),
    )


def fed(batch: Any, signature: Signature) -> Any:
    """A batch's inputs as the model takes them: one array, or a dict of several."""
    inputs = {feature.name: batch[feature.name] for feature in signature.inputs}
    return inputs if len(inputs) > 1 else next(iter(inputs.values()))


def run(model: keras.Model, inputs: Any) -> np.ndarray:
    """One batch through the model as it predicts, compiled where the backend compiles, to float32."""
    import keras

    if not model.compiled and keras.backend.backend() == "tensorflow":
        model.jit_compile = False  # on a CPU, XLA takes seconds to compile and then convolves at half the speed
    return np.asarray(model.predict_on_batch(inputs), "float32")


def batches(split: Examples, batch_size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Indices of equally long batches from each group, the last filled up, and how many of them count."""
    for group in split.groups:
        size = min(batch_size, len(split))
        for start in range(0, len(group), size):
            places = np.minimum(np.arange(start, start + size), len(group) - 1)
            yield group[places], min(size, len(group) - start)


def probabilities(outputs: np.ndarray, task: Task) -> np.ndarray:
    """classes, tags: softmax of the logits; labels: their sigmoid; values, forecasts, reconstructions: as they are."""
    if task not in ("classes", "labels", "tags"):
        return outputs
    logits: np.ndarray = outputs.astype("float64")
    log = -np.logaddexp(0.0, -logits) if task == "labels" else logits - log_sum(logits)[..., None]
    return np.asarray(np.exp(log))


def example_losses(outputs: np.ndarray, targets: np.ndarray, task: Task) -> np.ndarray:
    """The loss of each example, from logits: cross-entropy, mean binary cross-entropy, or mean squared error."""
    return np.concatenate([losses_of(outputs[some], targets[some], task) for some in parts(outputs)])


def losses_of(outputs: np.ndarray, targets: np.ndarray, task: Task) -> np.ndarray:
    exact: np.ndarray = outputs.astype("float64")
    if task == "classes":
        return np.asarray(log_sum(exact) - exact[np.arange(len(exact)), targets])
    each = np.logaddexp(0.0, exact) - exact * targets if task == "labels" else (exact - targets) ** 2
    return np.asarray(each.reshape(len(each), -1).mean(axis=1))


def parts(outputs: np.ndarray) -> Iterator[slice]:
    """The examples, some CHUNK numbers of ``outputs`` at a time."""
    step = max(1, CHUNK * len(outputs) // max(outputs.size, 1))
    return (slice(start, start + step) for start in range(0, len(outputs), step))


def log_sum(logits: np.ndarray) -> np.ndarray:
    """log sum exp over the classes, without overflow (examples,)."""
    return np.asarray(np.logaddexp.reduce(logits, axis=-1))
