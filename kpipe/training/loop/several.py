"""Several: steps that TensorFlow carries out in one call, while Keras's ``fit`` counts them one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Literal

import keras
import numpy as np

from kpipe.backend import silenced

MOST = 64
"""Steps in one call, at most: what a call costs is then spread thin enough."""


def runs_ahead(model: keras.Model) -> bool:
    """Whether several steps can be carried out in one call: on TensorFlow, on one device."""
    return keras.backend.backend() == "tensorflow" and bool(model.distribute_strategy.num_replicas_in_sync == 1)


class SeveralSteps:
    """A train function for ``fit`` that runs ahead: a call carries out several steps, the next calls only tell of them.

    So ``fit`` and its callbacks see every step and its logs, and only the cost of starting one is saved. While some are
    still to be told of, the model stands further than the count says: ``is_ahead``. The graph takes the number of steps
    as an argument, so any number costs no further tracing, and an epoch need not divide by it.
    """

    def __init__(self, model: keras.Model, wanted: int | Literal["auto"], span: float, left: Callable[[], int]) -> None:
        """``wanted`` steps a call, or as many as fit in ``span`` seconds; never more than are ``left`` of the epoch."""
        self.graph = graph_of(model)
        self.says_what_it_compiles = model.jit_compile
        self.wanted, self.span, self.left = wanted, span, left
        self.number = 1 if wanted == "auto" else wanted
        self.seconds = float("inf")
        """of a step, the shortest so far: what else the machine does makes steps longer, never shorter"""
        self.is_compiled = False
        self.logs: Mapping[str, np.ndarray] = {}
        self.told = self.carried_out = 0

    @property
    def is_ahead(self) -> bool:
        return self.told < self.carried_out

    def __call__(self, iterator: Any) -> dict[str, Any]:
        if not self.is_ahead:
            self.carry_out(iterator, min(self.number, self.left()))
        found = {name: values[self.told] for name, values in self.logs.items()}
        self.told += 1
        return found

    def carry_out(self, iterator: Any, number: int) -> None:
        """Makes ``number`` steps, and finds out how many to make the next time."""
        begin = time.perf_counter()
        with silenced() if self.says_what_it_compiles else nullcontext():
            logs = self.graph(iterator, np.int32(number))
        self.logs = {name: values.numpy() for name, values in logs.items()}
        self.told, self.carried_out = 0, number
        if self.is_compiled:  # the first call traces and compiles
            self.seconds = min(self.seconds, (time.perf_counter() - begin) / number)
            if self.wanted == "auto":
                self.number = max(1, min(int(self.span / self.seconds), MOST))
        self.is_compiled = True


def graph_of(model: keras.Model) -> Callable[[Any, Any], Mapping[str, Any]]:
    """A function of an iterator and a number of steps, whose logs are those of each step (steps,)."""
    import tensorflow as tf

    one_step = tf.function(model.train_step, reduce_retracing=True, jit_compile=model.jit_compile)

    def steps(iterator: Any, number: Any) -> Any:
        first = one_step(iterator.get_next())
        arrays = {
            name: tf.TensorArray(value.dtype, number, element_shape=value.shape).write(0, value)
            for name, value in first.items()
        }

        def body(step: Any, arrays: Any) -> Any:
            logs = one_step(iterator.get_next())
            return step + 1, {name: array.write(step, logs[name]) for name, array in arrays.items()}

        _, arrays = tf.while_loop(lambda step, _: step < number, body, (tf.constant(1), arrays), parallel_iterations=1)
        return {name: array.stack() for name, array in arrays.items()}

    graph = tf.function(steps, reduce_retracing=True)
    return lambda iterator, number: graph(iterator, tf.constant(number))
