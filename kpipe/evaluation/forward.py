"""A model's outputs on a split, batch by batch, as probabilities or values in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from kpipe.signature import Signature, Task

if TYPE_CHECKING:
    import keras

    from kpipe.evaluation.evidence import Examples


def predict(
    model: keras.Model, split: Examples, signature: Signature, batch_size: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """The model's raw outputs on the whole split, float32, and the targets beside them where the split holds any.

    Every batch has the same shape (the last is filled up and cut back), so that no backend compiles twice.
    """
    outputs, targets = [], []
    for indices, count in batches(len(split), batch_size):
        batch = split.take(indices)
        inputs = {feature.name: batch[feature.name] for feature in signature.inputs}
        fed = inputs if len(inputs) > 1 else next(iter(inputs.values()))
        outputs.append(run(model, fed)[:count])
        if signature.target.name in batch:
            targets.append(batch[signature.target.name][:count])
    return np.concatenate(outputs), np.concatenate(targets) if targets else None


def run(model: keras.Model, inputs: Any) -> np.ndarray:
    """One batch through the model as it predicts, compiled where the backend compiles, to float32."""
    import keras

    if not model.compiled and keras.backend.backend() == "tensorflow":
        model.jit_compile = False  # on a CPU, XLA takes seconds to compile and then convolves at half the speed
    return np.asarray(model.predict_on_batch(inputs), "float32")


def batches(size: int, batch_size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Indices of equally long batches, the last filled up with its last example, and how many of them count."""
    batch_size = min(batch_size, size)
    for start in range(0, size, batch_size):
        indices = np.arange(start, start + batch_size)
        yield np.minimum(indices, size - 1), min(batch_size, size - start)


def probabilities(outputs: np.ndarray, task: Task) -> np.ndarray:
    """classes: softmax of the logits; labels: their sigmoid; values: as they are."""
    if task == "values":
        return outputs
    logits: np.ndarray = outputs.astype("float64")
    log = -np.logaddexp(0.0, -logits) if task == "labels" else logits - log_sum(logits)[:, None]
    return np.asarray(np.exp(log))


def example_losses(outputs: np.ndarray, targets: np.ndarray, task: Task) -> np.ndarray:
    """The loss of each example, from logits: cross-entropy, mean binary cross-entropy, or mean squared error."""
    exact: np.ndarray = outputs.astype("float64")
    if task == "classes":
        return np.asarray(log_sum(exact) - exact[np.arange(len(exact)), targets])
    each = np.logaddexp(0.0, exact) - exact * targets if task == "labels" else (exact - targets) ** 2
    return np.asarray(each.mean(axis=1))


def log_sum(logits: np.ndarray) -> np.ndarray:
    """log sum exp over the classes, without overflow (examples,)."""
    return np.asarray(np.logaddexp.reduce(logits, axis=1))
