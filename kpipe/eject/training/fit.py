"""Supervised training as code: Keras's own ``fit``."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from kpipe.eject import schedules
from kpipe.eject.section import Section, cannot, require_defaults
from kpipe.eject.words import call, keywords, literal
from kpipe.training.fit import Fit
from kpipe.training.gradient_descent import WORTH_COMPILING

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits

WRITTEN = (
    "epochs", "stop_after", "optimizer", "schedule", "early_stopping", "restore_best", "jit_compile",
    "steps_per_execution",
)  # fmt: skip
"""The fields that the script follows; steps_per_execution changes no number."""

BATCHES = '''
def batches():
    """Batches without end: each epoch in an order of its own, that depends on the seed alone."""
    for epoch in itertools.count():
        generator = np.random.Generator(np.random.PCG64(seed_of("order", 0, epoch, 0)))
        order = generator.permutation(len(x_train))
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            yield x_train[rows], y_train[rows]
'''


def write(method: Fit, model: keras.Model, splits: Splits, batch_size: int) -> Section:
    """Compiles and fits ``model``. Raises: WrongInput: a setting cannot be written."""
    from kpipe.training.loop.batches import even_batch_size

    require_defaults(method, "train", WRITTEN)
    if method.optimizer.arguments.get("use_ema"):
        raise cannot("train.optimizer: `use_ema`", "leave it out")
    if splits.signature.target.task not in LOSSES:
        raise cannot(f"train: the task {splits.signature.target.task}", f"what can: {', '.join(LOSSES)}")
    loss, metric = LOSSES[splits.signature.target.task]
    steps = -(-len(splits.train) // batch_size)
    constants = [f"EPOCHS = {method.epochs}"]
    imports = ["import itertools", "import math"]
    lines = []
    optimizer = dict(method.optimizer.arguments)
    if method.schedule is not None:
        optimizer.setdefault("learning_rate", default_rate(method.optimizer.name))
        constants.append(f"LEARNING_RATE = {optimizer['learning_rate']!r}  # at its peak")
        course = schedules.write(method.schedule, method.epochs * steps)
        constants += course.constants
        imports += course.imports
        lines += ["", course.code.rstrip("\n"), ""]
    lines.append(BATCHES.rstrip("\n"))
    if loss == "scaled_squared_error":
        imports.append("from keras import ops")
        lines.append(SCALED.rstrip("\n"))
    lines += ["", ""]
    given = {name: literal(value) for name, value in optimizer.items()}
    if method.schedule is not None:
        given["learning_rate"] = "Schedule()"
    compiled = {
        "optimizer": call(f"keras.optimizers.{method.optimizer.name}", keywords(given)),
        "loss": loss,
        "metrics": f"[{metric}]",
        "jit_compile": compiles(method, model, method.epochs * steps),
    }
    lines.append(call("model.compile", keywords(compiled)))
    fitted = {
        "steps_per_epoch": "math.ceil(len(x_train) / BATCH_SIZE)",
        "epochs": "EPOCHS" if method.stop_after is None else f"min(EPOCHS, {method.stop_after})",
        "validation_data": "(x_validation, y_validation)",
        "validation_batch_size": str(even_batch_size(len(splits.validation), batch_size)),
        "verbose": "2",
    }
    if kept := keeping(method):
        lines.append(kept)
        fitted["callbacks"] = "[best]"
    lines.append(call("history = model.fit", ["batches()", *keywords(fitted)]))
    return Section("\n".join(lines), tuple(imports), tuple(constants))


SCALED = '''

def scaled_squared_error(y_true, y_pred):
    """Over the variance on train: 1 for who always says the mean."""
    deviation = np.sqrt(y_variance).astype("float32")
    return ops.mean(ops.square(ops.divide(y_true - y_pred, deviation)), axis=-1)
'''

OF_NUMBERS = ("scaled_squared_error", 'keras.metrics.MeanAbsoluteError(name="mae")')

LOSSES = {
    "values": OF_NUMBERS,
    "forecast": OF_NUMBERS,
    "classes": (
        "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
        'keras.metrics.SparseCategoricalAccuracy(name="accuracy")',
    ),
}
"""The loss and the metric of each task."""


def default_rate(optimizer: str) -> float:
    import keras

    return float(inspect.signature(getattr(keras.optimizers, optimizer)).parameters["learning_rate"].default)


def compiles(method: Fit, model: keras.Model, steps: int) -> str:
    """Whether to compile with XLA, by backend, as kpipe chooses on a CPU."""
    import keras

    if method.jit_compile != "auto":
        return repr(method.jit_compile)
    recurrent = any(isinstance(layer, keras.layers.RNN) for layer in model._flatten_layers())
    if recurrent and steps >= WORTH_COMPILING:
        return 'keras.backend.backend() != "torch"'
    return 'keras.backend.backend() == "jax"'


def keeping(method: Fit) -> str:
    """Keras's callback that stops early, and puts the best weights back."""
    watched = method.watched
    if method.early_stopping is None and not method.restore_best:
        return ""
    arguments = {
        "monitor": literal(watched.monitor),
        "mode": '"max"' if watched.sign() > 0 else '"min"',
        "patience": "EPOCHS" if method.early_stopping is None else repr(watched.patience),
    }
    if watched.min_delta:
        arguments["min_delta"] = repr(watched.min_delta)
    if method.restore_best:
        arguments["restore_best_weights"] = "True"
    return call("best = keras.callbacks.EarlyStopping", keywords(arguments))
