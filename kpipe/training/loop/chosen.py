"""Chosen: how a network is compiled and carried out, by backend, device and layers, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import keras

from kpipe.errors import WrongInput
from kpipe.parts import parts_of
from kpipe.training.gradient_descent import WORTH_COMPILING
from kpipe.training.loop.several import MOST, runs_ahead
from kpipe.training.teacher_forcing import put_into

Wanted = bool | Literal["auto"]


@dataclass(frozen=True)
class Chosen:
    """What a stage is carried out with; ``compiler`` and ``several`` say it in words, with the reason."""

    jit_compile: bool
    compiler: str
    steps_per_execution: int | Literal["auto"]
    several: str

    @property
    def words(self) -> str:
        return f"{self.compiler}; {self.several}" if self.several else self.compiler


def choose(
    model: keras.Model,
    steps: int,
    jit_compile: Wanted = "auto",
    steps_per_execution: int | Literal["auto"] = "auto",
) -> Chosen:
    """What is written, or by default what was measured to be fastest for ``steps`` steps of each shape.

    Raises: WrongInput: `jit_compile: true` of a layer that cannot be compiled.
    """
    if jit_compile == "auto":
        compiled, why = fastest(model, steps)
    else:
        compiled, why = jit_compile, "as train.jit_compile says"
        if compiled and (layers := not_compiled(model)):
            raise WrongInput(
                f"train.jit_compile: {keras.backend.backend()} cannot compile {', '.join(layers)}",
                "set `jit_compile: auto`, or leave these layers out of the model",
            )
    names = {"tensorflow": "XLA", "jax": "XLA", "torch": "torch.compile"}
    compiler = f"{names[keras.backend.backend()]} {'on' if compiled else 'off'} ({why})"
    if not runs_ahead(model):
        without_effect = isinstance(steps_per_execution, int) and steps_per_execution > 1
        several = "1 step an execution (train.steps_per_execution is for TensorFlow)" if without_effect else ""
        return Chosen(compiled, compiler, 1, several)
    if steps_per_execution == "auto":
        return Chosen(compiled, compiler, "auto", f"steps an execution: up to {MOST}, as many as fit in 0.2 s")
    return Chosen(
        compiled, compiler, steps_per_execution,
        f"steps an execution: {steps_per_execution} (as train.steps_per_execution says)",
    )  # fmt: skip


@runtime_checkable
class Compiles(Protocol):
    """A training method that says how it is compiled and carried out."""

    epochs: int
    steps_per_epoch: int | None
    jit_compile: Wanted
    steps_per_execution: int | Literal["auto"]


def chosen_for(model: keras.Model, method: object, steps: int, shapes: int) -> Chosen | None:
    """What ``method`` is carried out with, in epochs of ``steps`` steps; None of one that does not descend."""
    if not isinstance(method, Compiles):
        return None
    put_into(model, getattr(method, "teacher_forcing", 1.0))  # as the stage does: it tells whether tokens are its own
    taken = method.epochs * (method.steps_per_epoch or steps)
    return choose(model, taken // shapes, method.jit_compile, method.steps_per_execution)


def fastest(model: keras.Model, steps: int = 0) -> tuple[bool, str]:
    """Whether to compile for so many steps of each shape, and why (docs/performance.md)."""
    backend = keras.backend.backend()
    if backend == "torch":
        return False, "slower on the whole, and a minute to begin with"
    if layers := not_compiled(model):
        return False, f"not possible for {', '.join(layers)}"
    if backend == "jax":
        return True, "JAX is slow without"
    if keras.distribution.list_devices("gpu"):
        return True, "GPU"
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return False, "several devices"
    if has(model, keras.layers.RNN):
        writer = parts_of(model).teacher_forcing
        if writer is not None and writer.sampling:
            return False, "not tried where a network is fed its own tokens"
        if steps < WORTH_COMPILING:
            return False, f"pays only from {WORTH_COMPILING:,} steps of a length on"
        return True, "recurrent layers take 0.6 of the time"
    return False, "slow for convolutions" if has(model, CONVOLUTIONS) else "little to gain on a CPU"


CONVOLUTIONS = (
    keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.SeparableConv2D,
    keras.layers.DepthwiseConv2D, keras.layers.Conv2DTranspose,
)  # fmt: skip


def has(model: keras.Model, kinds: Any) -> bool:
    return any(isinstance(layer, kinds) for layer in model._flatten_layers())


def not_compiled(model: keras.Model) -> tuple[str, ...]:
    """The names of the layers that the backend cannot compile.

    Keras says of the layers that turn and shift images that nobody can, but means TensorFlow: JAX does.
    """
    if keras.backend.backend() == "jax":
        return ()
    return tuple(layer.name for layer in model._flatten_layers() if not layer.supports_jit)
