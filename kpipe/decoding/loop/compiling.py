"""Compiling: the loop as each backend runs it fastest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from kpipe.decoding.loop.generate import Batch, generate
from kpipe.decoding.loop.search import Search
from kpipe.parts import Stepper

Run = Callable[[Batch], Any]


class Compiled:
    """The loops compiled for a model, by what they depend on; shapes are the backend's own business."""

    def __init__(self) -> None:
        self.loops: dict[tuple[Search, int], Run] = {}


def compiled(model: keras.Model, stepper: Stepper, search: Search, steps: int) -> Run:
    """The loop for a model; compiled at its first call, and once more for each new shape."""
    kept = getattr(model, "kpipe_compiled", None)
    if not isinstance(kept, Compiled):
        kept = model.kpipe_compiled = Compiled()
    key = search, steps
    if key not in kept.loops:
        kept.loops[key] = compile_loop(model, stepper, search, steps)
    return kept.loops[key]


def compile_loop(model: keras.Model, stepper: Stepper, search: Search, steps: int) -> Run:
    """A graph on TensorFlow, XLA on JAX with the weights as arguments, and plain PyTorch without gradients."""

    def run(batch: Batch) -> Any:
        return generate(stepper, search, batch, steps)

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        graph: Run = tf.function(run, autograph=False, reduce_retracing=False)
        return graph
    if keras.backend.backend() == "jax":
        return with_weights(model, run)

    def without_gradients(batch: Batch) -> Any:
        import torch

        with torch.no_grad():
            return run(keras.tree.map_structure(keras.ops.convert_to_tensor, batch))

    return without_gradients


def with_weights(model: keras.Model, run: Run) -> Run:
    """JAX would build the weights into the program, and compile again when they change: they are passed instead."""
    import jax

    variables = list(model.variables)

    def pure(values: list[Any], batch: Batch) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return run(batch)

    program = jax.jit(pure)
    return lambda batch: program([variable.value for variable in variables], batch)
