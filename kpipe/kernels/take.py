"""Which layers take a kernel of PyTorch's own, and the taking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras

from kpipe.parts import parts_of

RECURRENT, WINDOWS, NORMALIZATION = "recurrent layers", "convolutions and pooling", "group normalization"

WORDS = {
    RECURRENT: "PyTorch's fused kernels",
    WINDOWS: "PyTorch's, channels last, without copies",
    NORMALIZATION: "PyTorch's fused kernels",
}
"""What a kernel is called where it is told."""


@dataclass(frozen=True)
class Kernel:
    """A function that stands for a method of a Keras layer: it is called with the layer, Keras's own method, and what
    that takes."""

    group: str
    method: str
    function: Callable[..., Any]
    fits: Callable[[Any], bool]
    """whether it can stand in for this layer, with its settings"""


def take_kernels(model: keras.Model) -> None:
    """On PyTorch, lets the model's layers compute by its own kernels, where there are any. Nothing else changes.

    Keras on PyTorch goes through a sequence step by step in Python, and copies what goes into every convolution and
    pooling twice. The layers stay Keras's: their weights, names, configuration and files are as before.
    """
    for layer, kernel in fitting(model):
        by_keras = partial(getattr(type(layer), kernel.method), layer)
        setattr(layer, kernel.method, partial(kernel.function, layer, by_keras))
    for one in models_of(model):
        one.takes_kernels = True


def takes_kernels(model: keras.Model) -> bool:
    """Whether its layers may compute by PyTorch's own kernels, and so its optimizer too."""
    return keras.backend.backend() == "torch" and getattr(model, "takes_kernels", False)


def words_of(model: keras.Model) -> dict[str, str]:
    """What computes which layers: ``{"recurrent layers": "PyTorch's fused kernels"}``; nothing on other engines."""
    found = {kernel.group: WORDS[kernel.group] for _, kernel in fitting(model)}
    dropped = [layer for layer, kernel in fitting(model) if getattr(layer, "recurrent_dropout", 0)]
    if dropped:
        found[RECURRENT] += ", but Keras's loop in training, as of `recurrent_dropout`"
    return found


def fitting(model: keras.Model) -> Iterator[tuple[keras.Layer, Kernel]]:
    """The layers for which there is a kernel. A subclass of a Keras layer computes as it says itself."""
    if keras.backend.backend() != "torch":
        return
    from kpipe.kernels.convolution import convolutions, pooling
    from kpipe.kernels.normalization import normalizations
    from kpipe.kernels.recurrent import recurrences

    kernels = {
        **{kind: Kernel(RECURRENT, "inner_loop", *rest) for kind, *rest in recurrences()},
        **{kind: Kernel(WINDOWS, "call", *rest) for kind, *rest in (*convolutions(), *pooling())},
        **{kind: Kernel(NORMALIZATION, "call", *rest) for kind, *rest in normalizations()},
    }
    for layer in layers_of(model):
        kernel = kernels.get(type(layer))
        if kernel is not None and kernel.fits(layer):
            yield layer, kernel


def layers_of(model: keras.Model) -> list[keras.Layer]:
    """All layers, those within layers too, and those that are only trained beside it, each once."""
    found = {id(layer): layer for one in models_of(model) for layer in one._flatten_layers()}
    return list(found.values())


def models_of(model: keras.Model) -> list[keras.Model]:
    """The model, and those of the same layers that are trained beside it."""
    stack = parts_of(model).stack
    return [model] if stack is None else [model, stack.autoencoder, *(level.autoencoder for level in stack.levels)]
