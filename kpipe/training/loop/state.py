"""State: everything in a model, its optimizer and its engine that training changes, as arrays by name.

A variable's name is its place in the model or optimizer, the same on every backend and in every process: a state goes
on elsewhere, and what does not fit is found.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

from kpipe.errors import RunFailed

NUMBER = re.compile(r"_\d+(?=[_/]|$)")
"""What Keras puts behind a name that was taken in this process before; alike ones are told apart by their order."""


def variables_of(model: keras.Model) -> dict[str, Mapping[str, keras.Variable]]:
    """Weights and the states of seed generators; the optimizer's variables; running means of loss and metrics."""
    return {
        "model": named(model.variables, seed_names(model)),
        "optimizer": named(model.optimizer.variables),
        "metrics": named(model.metrics_variables),
    }


def named(variables: Iterable[keras.Variable], given: Mapping[int, str] | None = None) -> dict[str, keras.Variable]:
    """Variables by their paths, or by the names ``given`` for some (by ``id``)."""
    seen: Counter[str] = Counter()
    found = {}
    for variable in variables:
        name = NUMBER.sub("", (given or {}).get(id(variable), variable.path))
        seen[name] += 1
        found[f"{name}#{seen[name]}" if seen[name] > 1 else name] = variable
    return found


def seed_names(model: keras.Model) -> dict[int, str]:
    """Keras names seed generators by how many there were before; here they are called by their layers."""
    return {
        id(generator.state): f"{layer.path or layer.name}/seed{number}"
        for layer in model._flatten_layers()
        for number, generator in enumerate(layer._seed_generators)
    }


def size_of(model: keras.Model) -> int:
    """About how many bytes its state has."""
    return sum(4 * math.prod(variable.shape) for group in variables_of(model).values() for variable in group.values())


def copies(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    """Their values now, in memory of their own: NumPy would look into PyTorch's, which changes."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def taken(model: keras.Model, best: Sequence[np.ndarray] = ()) -> dict[str, np.ndarray]:
    """The state now, in memory of its own, and the weights of the best epoch where there are any.

    Within an epoch JAX holds it in the trainer; the property ``model`` of Keras's callbacks brings it back first.
    """
    arrays = {
        f"{group}/{name}": value
        for group, variables in variables_of(model).items()
        for name, value in zip(variables, copies(variables.values()), strict=True)
    }
    if best:
        arrays |= {f"best/{name}": value for name, value in zip(named(model.weights), best, strict=True)}
    if keras.backend.backend() == "torch":
        import torch

        arrays["torch"] = torch.get_rng_state().numpy()
    return arrays


def put(model: keras.Model, arrays: Mapping[str, np.ndarray], groups: Sequence[str] = ("model", "optimizer")) -> None:
    """Sets the state. PyTorch's own generator stays as it is where the state comes from another backend.

    Raises: RunFailed: it is that of another model or optimizer.
    """
    for group in groups:
        variables = variables_of(model)[group]
        for variable, value in zip(variables.values(), fitting(group, variables, arrays), strict=True):
            variable.assign(value)
    if keras.backend.backend() == "torch" and "torch" in arrays:
        import torch

        torch.set_rng_state(torch.from_numpy(arrays["torch"].copy()))


def best_of(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The weights of the best epoch, in the model's order; none before the first epoch has ended."""
    if not any(name.startswith("best/") for name in arrays):
        return []
    return fitting("best", named(model.weights), arrays)


def fitting(group: str, variables: Mapping[str, keras.Variable], arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The arrays of a group in the variables' order. Raises: RunFailed: one is missing, unknown or of another shape."""
    stored = {name.removeprefix(f"{group}/"): value for name, value in arrays.items() if name.startswith(f"{group}/")}
    wrong = [f"lacks {name}" for name in variables if name not in stored]
    wrong += [f"has {name}, which is not known here" for name in stored if name not in variables]
    wrong += [
        f"has {name} as {stored[name].shape}, not {tuple(variable.shape)}"
        for name, variable in variables.items()
        if name in stored and stored[name].shape != tuple(variable.shape)
    ]
    wrong += [
        f"has {name} as {stored[name].dtype}, which is no numbers"
        for name in variables
        if name in stored and stored[name].dtype.kind not in "biufV"  # V: bfloat16 and its like, as NumPy keeps them
    ]
    if wrong:
        raise RunFailed(
            f"the checkpoint does not fit: its {group} {wrong[0]}" + f" (and {len(wrong) - 1} more)" * (len(wrong) > 1),
            "go on with the pipeline and the kpipe that wrote it, or start a new run",
        )
    return [stored[name].astype(variable.dtype, copy=False) for name, variable in variables.items()]
