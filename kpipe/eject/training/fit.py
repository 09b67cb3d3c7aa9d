"""Supervised training as code: Keras's own ``fit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.eject.section import Section, cannot
from kpipe.eject.training.loop import choices, descent, inputs, schedules, stages, teacher_forcing
from kpipe.eject.training.loop import padded as padding
from kpipe.eject.words import call, keywords
from kpipe.stages import shapes_of, steps_of_all
from kpipe.training.fit import Fit

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits
    from kpipe.pipeline import Pipeline

HEADING = "Training"

SCALED = '''

def scaled_squared_error(y_true, y_pred):
    """Over the variance on train: 1 for who always says the mean."""
    deviation = np.sqrt(y_variance).astype("float32")
    return ops.mean(ops.square(ops.divide(y_true - y_pred, deviation)), axis=-1)
'''

OF_NUMBERS = ("scaled_squared_error", 'keras.metrics.MeanAbsoluteError(name="mae")')

OF_CLASSES = (
    "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
    'keras.metrics.SparseCategoricalAccuracy(name="accuracy")',
)

OF_TEXTS = ("MaskedCrossentropy()", 'MaskedAccuracy(name="accuracy")')

OF_LABELS = (
    "keras.losses.BinaryCrossentropy(from_logits=True)",
    'keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)',
)

OF_INPUTS = ("squared_error_over(variance)", 'keras.metrics.MeanAbsoluteError(name="mae")')

LOSSES = {
    "values": OF_NUMBERS,
    "forecast": OF_NUMBERS,
    "classes": OF_CLASSES,
    "labels": OF_LABELS,
    "tags": OF_CLASSES,
    "text": OF_CLASSES,
    "next_token": OF_CLASSES,
    "reconstruction": OF_INPUTS,
}
"""The loss and the metric of each task."""


CHOICES = ("steps_per_epoch", "class_weight", "label_smoothing", "use_ema")
"""Fields that choices.py writes."""


def check(method: Fit, where: str) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    written = ("stop_after", "schedule", "teacher_forcing", "trainable", "loss", "metrics", "objective", *CHOICES)
    descent.check(method, where, written)


def write(pipeline: Pipeline, index: int, model: keras.Model, splits: Splits) -> Section:
    """Compiles and fits ``model``. Raises: WrongInput: its task cannot be written."""
    method, batch_size, task = pipeline.train[index], pipeline.data.batch_size, splits.signature.target.task
    assert isinstance(method, Fit)
    if task not in LOSSES:
        raise cannot(f"train: the task {task}", f"what can: {', '.join(LOSSES)}")
    if method.objective == "reconstruction" and task != "reconstruction":
        raise cannot("train: `objective: reconstruction` before a target", "give the model `output: reconstruction`")
    padded = splits.signature.is_padded
    loss, metric = LOSSES[task] if not padded else OF_TEXTS
    if method.label_smoothing and not padded:
        loss = choices.smoothed(task)
    loss, metric = stages.named(method, splits.signature, loss, metric)
    steps = method.epochs * (method.steps_per_epoch or steps_of_all(splits, batch_size))
    prepared = stages.prepared(model, pipeline.train, index)
    definitions = defined(pipeline, index, model, splits, loss)
    lines = [definitions.code] if definitions.code else []
    if task == "reconstruction" and not stages.fits(pipeline.train[:index]):
        lines += inputs.variance_of(model, splits.signature.input)
    if method.class_weight is not None:
        lines.append(choices.weights(method, splits.signature.target))
    lines += [prepared.code] * bool(prepared.code)
    compiled = {
        "optimizer": descent.optimizer_of(method, "Schedule()" if method.schedule else ""),
        "loss": loss,
        "metrics": f"[{metric}]",
        "jit_compile": descent.compiles(method, model, steps // shapes_of(splits)),
    }
    lines.append(call("model.compile", keywords(compiled)))
    fitted = fitting(method, splits, batch_size) | choices.steps(method)
    once, forcing = teacher_forcing.share_of(method, splits.signature.target.name, steps)
    callbacks = {"forcing": forcing, "best": descent.keeping(method, "EPOCHS", 0)}
    if callbacks := {name: code for name, code in callbacks.items() if code}:
        fitted["callbacks"] = f"[{', '.join(callbacks)}]"
    lines += [code for code in (once, *callbacks.values()) if code]
    given = f"batches(x_train, {'x' if task == 'reconstruction' else 'y'}_train, {index})"
    given = f"of_any_length(lambda: {given})" if padded else given
    is_last = index + 1 == len(pipeline.train)
    lines.append(
        call("history = model.fit" if is_last else f"history_{index + 1} = model.fit", [given, *keywords(fitted)])
    )
    return Section("\n".join(lines), definitions.imports, (*definitions.constants, *prepared.constants))


def defined(pipeline: Pipeline, index: int, model: keras.Model, splits: Splits, loss: str) -> Section:
    """What is defined before the network is compiled, and was not by an earlier stage. Raises: WrongInput."""
    method, padded = pipeline.train[index], splits.signature.is_padded
    assert isinstance(method, Fit)
    earlier = stages.fits(pipeline.train[:index])
    steps = method.epochs * (method.steps_per_epoch or steps_of_all(splits, pipeline.data.batch_size))
    constants, imports, definitions = [f"EPOCHS = {method.epochs}"], ["import itertools", "import math"], []
    if method.schedule is not None:
        course = schedules.write(method.schedule, steps)
        constants += [f"LEARNING_RATE = {descent.rate_of(method)!r}  # at its peak", *course.constants]
        imports += course.imports
        definitions.append(course.code)
    if padded and not earlier:
        some = padding.batches(splits)
        constants += some.constants
        imports += some.imports
        definitions.append(choices.batches(some.code, method, is_padded=True))
    elif index == 0:
        definitions.append(choices.batches(descent.BATCHES, method, is_padded=False))
    elif choices.of_batches(method):
        raise cannot("train: steps_per_epoch or class_weight of a later stage", "leave them out there")
    chosen = choices.section(method, loss)
    constants += chosen.constants
    imports += chosen.imports
    if chosen.code:
        definitions.append(chosen.code)
    if loss == "scaled_squared_error" and all(one.loss for one in earlier):
        imports.append("from keras import ops")
        definitions.append(SCALED)
    own = all(one.loss for one in stages.fits(pipeline.train))
    if splits.signature.target.task == "reconstruction" and index == 0 and not own:
        imports.append("from keras import ops")
        definitions.append(inputs.LOSS)
    definitions += [] if earlier else stages.definitions(model, pipeline.train)
    code = "\n".join(f"{definition.strip()}\n\n" for definition in definitions)
    return Section(code, tuple(imports), tuple(constants))


def fitting(method: Fit, splits: Splits, batch_size: int) -> dict[str, str]:
    """The arguments of ``fit`` behind the batches."""
    from kpipe.training.loop.batches import even_batch_size

    epochs = "EPOCHS" if method.stop_after is None else f"min(EPOCHS, {method.stop_after})"
    if splits.signature.is_padded:
        held_out = "of_any_length(lambda: Weighted(x_validation, y_validation))"
        fitted = {"steps_per_epoch": "steps(x_train)", "epochs": epochs, "validation_data": held_out}
        return {**fitted, "shuffle": "False", "verbose": "2"}
    learned = "x" if splits.signature.target.task == "reconstruction" else "y"
    return {
        "steps_per_epoch": "math.ceil(len(x_train) / BATCH_SIZE)",
        "epochs": epochs,
        "validation_data": f"(x_validation, {learned}_validation)",
        "validation_batch_size": str(even_batch_size(len(splits.validation), batch_size)),
        "shuffle": "False",
        "verbose": "2",
    }
