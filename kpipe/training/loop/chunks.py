"""Chunks: batches as TensorFlow takes them fastest: Python gathers several at once, TensorFlow parts them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kpipe.training.loop.batches import ShuffledBatches

MOST_BATCHES = 8
MOST_BYTES = 2**22
"""In a chunk, at most. A call of Python costs TensorFlow as much as a small step's computing."""


def in_chunks(batches: ShuffledBatches) -> Any:
    """A ``tf.data.Dataset`` of the same batches in the same order, without an end."""
    import tensorflow as tf

    one = batches.examples.take(np.arange(1))
    size = sum(array.nbytes for array in tf.nest.flatten(one)) * batches.plan.batch_size
    most = max(1, min(MOST_BATCHES, MOST_BYTES // max(size, 1)))
    spec = tf.nest.map_structure(lambda array: tf.TensorSpec((None, None, *array.shape[1:]), array.dtype), one)
    dataset = tf.data.Dataset.from_generator(lambda: chunks(batches, most), output_signature=spec)
    return dataset.unbatch().prefetch(tf.data.AUTOTUNE)


def chunks(batches: ShuffledBatches, most: int) -> Iterator[Any]:
    """Arrays (batches, rows, ...) of up to ``most`` batches of the same number of rows, never of two epochs."""
    import tensorflow as tf

    epoch, step = divmod(batches.first, batches.plan.steps)
    while True:
        indices = batches.batches(epoch)
        while step < len(indices):
            rows = len(indices[step])
            chunk = [batch for batch in indices[step : step + most] if len(batch) == rows]
            taken = batches.examples.take(np.concatenate(chunk))
            yield tf.nest.map_structure(lambda array, rows=rows: array.reshape(-1, rows, *array.shape[1:]), taken)
            step += len(chunk)
        epoch, step = epoch + 1, 0
