"""Plan: what a pipeline would build, as plain data, found without training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from kpipe import backend, devices
from kpipe.backend import Backend
from kpipe.layer_words import arithmetic, describe, shape_of
from kpipe.pipeline import Pipeline, build, effective_yaml, load_splits
from kpipe.signature import Signature
from kpipe.spec.keras_object import KerasObject
from kpipe.spec.spec import Component, Spec
from kpipe.stages import engine_words, steps_of, steps_of_all
from kpipe.training.early_stopping import EarlyStopping
from kpipe.training.method import Method

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Split, Splits

CHUNK = 8192
"""Examples looked at in one go."""


@dataclass(frozen=True)
class SplitPlan:
    """One split: examples, and how many there are of each class, label or tag, or the mean of each value."""

    name: str
    examples: int
    balance: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class LayerPlan:
    """One layer: its name, what it is, the shape of one example's output, the arithmetic of that, and parameters."""

    name: str
    words: str
    output: tuple[int | None, ...]
    arithmetic: str
    parameters: int


@dataclass(frozen=True)
class Memory:
    """Bytes in use while training: all of these at once, at most."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations


@dataclass(frozen=True)
class Plan:
    """Everything that ``kpipe show`` prints."""

    name: str
    backend: Backend
    device: str
    precision: str
    seed: int
    origin: str
    signature: Signature
    splits: tuple[SplitPlan, ...]
    facts: tuple[str, ...]
    skipped: tuple[str, ...]
    layers: tuple[LayerPlan, ...]
    parameters: int
    trainable_parameters: int
    memory: Memory
    optimizer: str
    batch_size: int
    steps_per_epoch: int
    stages: tuple[str, ...]
    engine: tuple[str, ...]
    """how each stage is compiled and carried out, and why; alike stages once"""
    yaml: str


@runtime_checkable
class Optimizes(Protocol):
    """A training method that has an optimizer of its own."""

    optimizer: KerasObject

    def build_optimizer(self, steps_per_epoch: int) -> keras.optimizers.Optimizer: ...


def plan(pipeline: Pipeline, engine: Backend, splits: Splits | None = None) -> Plan:
    """Loads the data and builds the model on ``engine``, without training.

    Raises: WrongInput: the data cannot be read, does not fit the model, or Keras runs on another backend already.
    """
    splits = splits or load_splits(pipeline)
    backend.use(engine, pipeline.precision, pipeline.seed, devices=pipeline.devices)
    number = devices.number(engine, pipeline.devices, pipeline.data.batch_size)
    with copies(engine, number):
        model = build(pipeline, splits.signature)
    batch_size = pipeline.data.batch_size
    steps = steps_of_all(splits, batch_size)
    trained, fixed = count(model.trainable_weights), count(model.non_trainable_weights)
    return Plan(
        name=pipeline.name,
        backend=engine,
        device=devices.words(backend.device(), number),
        precision=pipeline.precision,
        seed=pipeline.seed,
        origin=splits.origin,
        signature=splits.signature,
        splits=tuple(SplitPlan(name, len(split), balance(split, splits.signature)) for name, split in splits),
        facts=splits.facts,
        skipped=splits.skipped,
        layers=tuple(
            LayerPlan(layer.name, describe(layer), shape_of(layer), arithmetic(layer), layer.count_params())
            for layer in model.layers
        ),
        parameters=trained + fixed,
        trainable_parameters=trained,
        memory=memory(model, pipeline, batch_size, steps, longest(splits.signature)),
        optimizer=" or ".join(dict.fromkeys(m.optimizer.name for m in pipeline.train if isinstance(m, Optimizes))),
        batch_size=batch_size,
        steps_per_epoch=steps,
        stages=tuple(stage_words(method, steps_of(method, splits, batch_size)) for method in pipeline.train),
        engine=engine_words(pipeline, model, splits),
        yaml=effective_yaml(pipeline),
    )


def copies(engine: Backend, number: int) -> AbstractContextManager[None]:
    """What is built within has a copy on each of TensorFlow's devices, which is carried out otherwise."""
    if engine != "tensorflow" or number == 1:
        return nullcontext()
    from kpipe.training.sharing.replicas import replicated

    return replicated(number)


def balance(split: Split, signature: Signature) -> tuple[tuple[str, float], ...]:
    """How many there are of each class, label or tag in a split; the mean of each value; of tokens all together.

    Where the model learns another target than the data gives, that of the data is counted.
    """
    import numpy as np

    target = signature.given or signature.target
    total = np.zeros(target.size)
    for start in range(0, len(split), CHUNK):
        found = split.take(np.arange(start, min(start + CHUNK, len(split))))[target.name]
        if target.is_discrete:
            total += np.bincount(found[found >= 0], minlength=target.size)
        else:
            total += found.reshape(len(found), -1, target.size).mean(axis=1).sum(axis=0)
    if target.vocabulary is not None:
        return (("tokens", float(total.sum())),)
    if target.task in ("values", "forecast"):
        total /= len(split)
    return tuple(zip(target.names, total.tolist(), strict=True))


def longest(signature: Signature) -> int:
    """The steps of the longest sequence that is padded to; 1 where nothing is padded."""
    return max((feature.max_length or 1 for feature in signature.inputs), default=1)


def memory(model: keras.Model, pipeline: Pipeline, batch_size: int, steps: int, length: int) -> Memory:
    """The real optimizers' variables are counted; activations are every layer's output, kept for the way back.

    Of sequences of any length the longest, of ``length`` steps, are counted.
    """
    optimizers = [0]
    for method in pipeline.train:
        if isinstance(method, Optimizes):
            optimizer = method.build_optimizer(steps)
            optimizer.build(model.trainable_variables)
            optimizers.append(size(optimizer.variables))
    numbers = sum(positions(layer, length) * itemsize(layer.compute_dtype) for layer in model.layers)
    return Memory(
        weights=size(model.weights),
        gradients=size(model.trainable_variables),
        optimizer=max(optimizers),
        activations=numbers * batch_size,
    )


def positions(layer: keras.Layer, length: int) -> int:
    """Numbers in the output for one example; a side of any length counts ``length``."""
    return math.prod(side or length for side in shape_of(layer))


def count(variables: list[Any]) -> int:
    """Numbers in all of them."""
    return sum(math.prod(variable.shape) for variable in variables)


def size(variables: list[Any]) -> int:
    """Bytes."""
    return sum(math.prod(variable.shape) * itemsize(variable.dtype) for variable in variables)


def itemsize(dtype: str) -> int:
    """Bytes of one number."""
    import ml_dtypes  # noqa: F401  brings bfloat16 to NumPy; Keras needs it too
    import numpy as np

    return np.dtype(dtype).itemsize


def stage_words(method: Method, steps: int) -> str:
    """A stage in one line: type, epochs, optimizer, then whatever was set: every field that is not at its default."""
    words = [method.type]
    fields = dict(method)
    epochs = fields.pop("epochs", None)
    if epochs is not None:
        words.append(f"{epochs:,} epochs x {fields.pop('steps_per_epoch', None) or steps:,} steps{method.times}")
    optimizer = fields.pop("optimizer", None)
    if optimizer is not None:
        words.append(optimizer_words(optimizer))
    words += list(set_words(method, fields))
    return "  ".join(words[:1]) + "  " + ", ".join(words[1:]) if words[1:] else words[0]


def optimizer_words(optimizer: KerasObject) -> str:
    """``AdamW 0.003 (weight_decay 0.0001)``."""
    arguments = dict(optimizer.arguments)
    rate = f" {arguments.pop('learning_rate')}" if "learning_rate" in arguments else ""
    others = ", ".join(f"{name} {value}" for name, value in arguments.items())
    return f"{optimizer.name}{rate}" + (f" ({others})" if others else "")


def set_words(spec: Spec, fields: dict[str, Any]) -> Iterator[str]:
    """Each field that differs from its default: ``schedule cosine (warmup 0.05)``, ``label_smoothing 0.1``."""
    for name, value in fields.items():
        if name == "type" or value == type(spec).model_fields[name].get_default(call_default_factory=True):
            continue
        if isinstance(value, EarlyStopping):
            yield f"early stopping on {value.monitor} (patience {value.patience})"
            continue
        if not isinstance(value, Spec):
            yield f"{name} {value}"
            continue
        kind = f" {value.type}" if isinstance(value, Component) else ""
        inner = ", ".join(set_words(value, dict(value)))
        yield f"{name}{kind}" + (f" ({inner})" if inner else "")
