"""Spread: one training over several devices, each backend in its own way, and back on one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from kpipe.parts import parts_of
from kpipe.training.sharing.processes import joined
from kpipe.training.sharing.replicas import replicated


@contextmanager
def spread(number: int, task: Mapping[str, Any], fingerprint: str, folder: Path) -> Iterator[None]:
    """Models built and trained within are so on ``number`` devices; on PyTorch by further processes, which are given
    ``task``, read the same data, and write their logs into ``folder``."""
    if number == 1:
        yield
    elif keras.backend.backend() == "torch":
        with joined(number, task, fingerprint, folder):
            yield
    else:
        with replicated(number):
            yield


def gathered(model: keras.Model, build: Callable[[], keras.Model]) -> keras.Model:
    """A trained model on one device, for all that comes after: TensorFlow's replicas would each predict the whole."""
    if keras.backend.backend() == "torch":
        return model
    alone = build()
    for found, trained in zip(whole(alone), whole(model), strict=True):
        for own, variable in zip(found.variables, trained.variables, strict=True):
            own.assign(keras.ops.convert_to_numpy(variable))
    return alone


def whole(model: keras.Model) -> list[keras.Model]:
    """The model, and the autoencoder behind it."""
    stack = parts_of(model).stack
    return [model] if stack is None else [model, stack.autoencoder]
