"""Keyed: initial weights drawn from NumPy by the seed and the variable's path, so that every backend starts alike."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from kpipe.errors import WrongInput
from kpipe.initial_weights.draws import DRAWS, Draw, drawn_by_itself

if TYPE_CHECKING:
    import keras

CONSTANT = ("Zeros", "Ones", "Constant", "Identity", "STFT")
"""Those in which chance has no part: they remain as they are."""


@contextmanager
def keyed(seed: int, most: int | None = None) -> Iterator[None]:
    """Within it, the variables that Keras makes get their random values from NumPy.

    A value depends on ``seed``, the variable's path and shape and its initializer alone: not on the backend, nor on
    what was built before in the process, nor on the precision, up to rounding. An initializer with a ``seed`` of its
    own gives the same numbers to every variable, whatever the pipeline's seed, as in Keras; with a seed generator,
    each variable its own.

    Raises: WrongInput: two random variables have the same path, an initializer is neither one of Keras's nor has a
    method ``draw(shape, generator)``, or all together hold more than ``most`` numbers.
    """
    import keras

    start = Start(seed, most)
    initialize = keras.Variable._initialize_with_initializer
    kinds = {getattr(keras.initializers, name): draw for name, draw in DRAWS.items()}
    calls = {kind: kind.__call__ for kind in kinds}
    known = {getattr(keras.initializers, name).__call__ for name in CONSTANT}

    def initialize_keyed(variable: keras.Variable, initializer: Any) -> None:
        start.add(math.prod(variable._shape))
        with start.at(variable.path):
            if hasattr(initializer, "draw"):
                initialize(variable, partial(start.values, initializer, drawn_by_itself))
            elif type(initializer).__call__ in known or is_function_of_keras(initializer):
                initialize(variable, initializer)
            else:
                raise unknown(initializer, variable.path)

    def drawing(kind: Any) -> Any:
        def call(initializer: Any, shape: Sequence[int], dtype: Any = None) -> Any:
            if start.path is None:  # a placeholder while Keras traces a layer
                return calls[kind](initializer, shape, dtype)
            return start.values(initializer, kinds[kind], shape, dtype)

        return call

    patches: list[tuple[Any, str, Any]] = [(kind, "__call__", drawing(kind)) for kind in kinds]
    known.update(call for _, _, call in patches)
    patches.append((keras.Variable, "_initialize_with_initializer", initialize_keyed))
    patches.append((keras.layers.EinsumDense, "_update_kernel_initializer", with_axes))
    with names_from_the_beginning(), replaced(patches):
        yield


@contextmanager
def replaced(patches: Sequence[tuple[Any, str, Any]]) -> Iterator[None]:
    """Within it, these methods of these classes are others."""
    before = [(of, name, vars(of).get(name)) for of, name, _ in patches]
    for of, name, method in patches:
        setattr(of, name, method)
    try:
        yield
    finally:
        for of, name, method in before:
            if method is None:  # it was inherited
                delattr(of, name)
            else:
                setattr(of, name, method)


@contextmanager
def names_from_the_beginning() -> Iterator[None]:
    """Layers without a name are numbered as in a new process; afterwards no number is given twice."""
    from keras.src.backend.common import global_state

    before = global_state.get_global_attribute("object_name_uids") or {}
    global_state.set_global_attribute("object_name_uids", None)
    try:
        yield
    finally:
        given = global_state.get_global_attribute("object_name_uids") or {}
        for name, count in before.items():
            given[name] = max(given.get(name, 0), count)
        global_state.set_global_attribute("object_name_uids", given or None)


def with_axes(layer: Any, input_axes: Any, output_axes: Any) -> Any:
    """EinsumDense's initializer told of its axes; Keras would also make a seed of its own of one drawn by chance."""
    initializer = layer.kernel_initializer
    axes = {"input_axes": input_axes, "output_axes": output_axes}
    return type(initializer).from_config({**initializer.get_config(), **axes})


def is_function_of_keras(initializer: Any) -> bool:
    """As those of LSTM's biases and of seed generators: they draw nothing, or through Keras's initializers."""
    return isinstance(initializer, FunctionType) and initializer.__module__.startswith("keras.src.")


def unknown(initializer: Any, path: str) -> WrongInput:
    name = getattr(initializer, "__qualname__", type(initializer).__name__)
    return WrongInput(
        f"`{name}`, the initializer of `{path}`, is unknown: its numbers could be others on another backend",
        "use one of keras.initializers, or give it a method `draw(shape, generator)` that draws from NumPy's generator",
    )


class Start:
    """Where the weights of one model begin."""

    def __init__(self, seed: int, most: int | None = None) -> None:
        self.seed, self.most, self.numbers = seed, most, 0
        self.path: str | None = None
        """of the variable that is being made"""
        self.count = 0
        """how often it has drawn: LSTM's biases are made of parts"""
        self.paths: set[str] = set()
        """of all that drew"""

    def add(self, numbers: int) -> None:
        """Counts a variable before there is room for it. Raises: WrongInput: it is too much."""
        self.numbers += numbers
        if self.most is not None and self.numbers > self.most:
            raise WrongInput(f"the network has {self.numbers:,} numbers or more, at most {self.most:,} belong to it")

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        self.path, self.count = path, 0
        try:
            yield
        finally:
            self.path = None

    def values(self, initializer: Any, draw: Draw, shape: Sequence[int], dtype: Any = None) -> Any:
        """What the variable at hand begins with, in place of what its initializer would give."""
        import keras

        assert self.path is not None
        if self.path in self.paths and not self.count:
            hint = "give each layer a name, and each of its weights another"
            raise WrongInput(f"two variables of the model have the path `{self.path}` and would start alike", hint)
        generator = np.random.Generator(np.random.Philox(key=self.key(initializer)))
        self.paths.add(self.path)
        self.count += 1
        wide = keras.backend.standardize_dtype(dtype) == "float64"
        values = draw(initializer, tuple(shape), generator, np.dtype("float64" if wide else "float32"))
        # PyTorch would keep the order of what is transposed, and kernels take numbers as they lie in memory
        return keras.ops.convert_to_tensor(np.ascontiguousarray(values), dtype)

    def key(self, initializer: Any) -> int:
        """The 128 bits that decide what the variable's generator draws."""
        own = initializer.get_config().get("seed") if hasattr(initializer, "get_config") else None
        if own is None:
            of: tuple[object, ...] = (self.seed, "initial weights", self.path, self.count)
        elif isinstance(own, int):
            of = (own, "initializer", self.count)
        else:
            of = (own["config"]["seed"], "initializer", self.path, self.count)
        return int.from_bytes(hashlib.sha256(repr(of).encode()).digest()[:16], "big")
