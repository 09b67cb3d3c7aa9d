"""Descent: what methods that follow gradients have in common, as code."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import TYPE_CHECKING

from kpipe.eject.section import cannot, require_defaults
from kpipe.eject.training.loop.averages import averages
from kpipe.eject.words import call, keywords, literal
from kpipe.training.gradient_descent import WORTH_COMPILING, GradientDescent

if TYPE_CHECKING:
    import keras

WRITTEN = ("epochs", "optimizer", "early_stopping", "restore_best", "jit_compile", "steps_per_execution")
"""The fields that every script follows; steps_per_execution changes no number."""

BATCHES = '''
def batches(x, y, stage):
    """Batches without end: each epoch in an order of its own, that depends on the seed alone."""
    for epoch in itertools.count():
        generator = np.random.Generator(np.random.PCG64(seed_of("order", stage, epoch, 0)))
        order = generator.permutation(len(x))
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            yield x[rows], y[rows]
'''


def check(method: GradientDescent, where: str, written: Collection[str] = ()) -> None:
    """Raises: WrongInput: a setting cannot be written; ``where`` is the path of the method."""
    require_defaults(method, where, (*WRITTEN, *written))
    if averages(method) and "use_ema" not in written:
        raise cannot(f"{where}.optimizer: `use_ema` of `{method.type}`", "leave it out there")


def optimizer_of(method: GradientDescent, rate: str = "") -> str:
    """The optimizer, with its own learning rate or ``rate``."""
    given = {name: literal(value) for name, value in method.optimizer.arguments.items()}
    if rate:
        given["learning_rate"] = rate
    return f"keras.optimizers.{method.optimizer.name}({', '.join(keywords(given))})"


def rate_of(method: GradientDescent) -> float:
    """The optimizer's learning rate, or Keras's default of it."""
    import keras

    optimizer = getattr(keras.optimizers, method.optimizer.name)
    default = inspect.signature(optimizer).parameters["learning_rate"].default
    return float(method.optimizer.arguments.get("learning_rate", default))


def compiles(method: GradientDescent, model: keras.Model, steps: int) -> str:
    """Whether to compile with XLA, by backend, as kpipe chooses on a CPU."""
    import keras

    if method.jit_compile != "auto":
        return repr(method.jit_compile)
    recurrent = any(isinstance(layer, keras.layers.RNN) for layer in model._flatten_layers())
    if recurrent and steps >= WORTH_COMPILING:
        return 'keras.backend.backend() != "torch"'
    return 'keras.backend.backend() == "jax"'


def keeping(method: GradientDescent, epochs: str, indent: int) -> str:
    """Keras's callback that stops early, and puts the best weights back."""
    watched = method.watched
    if method.early_stopping is None and not method.restore_best:
        return "best = Averages()" if averages(method) else ""
    arguments = {
        "monitor": literal(watched.monitor),
        "mode": '"max"' if watched.sign() > 0 else '"min"',
        "patience": epochs if method.early_stopping is None else repr(watched.patience),
    }
    if watched.min_delta:
        arguments["min_delta"] = repr(watched.min_delta)
    if method.restore_best:
        arguments["restore_best_weights"] = "True"
    kind = "Averages" if averages(method) else "keras.callbacks.EarlyStopping"
    told = "" if method.early_stopping else " " * indent + "# stops nothing: it puts the best epoch's weights back\n"
    return told + call(f"best = {kind}", keywords(arguments), indent=indent)
