"""State: everything in a model, its optimizer and its engine that training changes, as arrays by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from kpipe.errors import RunFailed


def variables_of(model: keras.Model) -> dict[str, Sequence[keras.Variable]]:
    """Weights and the states of seed generators; the optimizer's variables; running means of loss and metrics."""
    return {"model": model.variables, "optimizer": model.optimizer.variables, "metrics": model.metrics_variables}


def copies(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Their values now, in memory of their own: NumPy would look into PyTorch's, which changes."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def taken(model: keras.Model) -> dict[str, np.ndarray]:
    """The state now.

    Within an epoch JAX holds it in the trainer; the property ``model`` of Keras's callbacks brings it back first.
    """
    arrays = {
        f"{group}/{number}": keras.ops.convert_to_numpy(variable)
        for group, variables in variables_of(model).items()
        for number, variable in enumerate(variables)
    }
    if keras.backend.backend() == "torch":
        import torch

        arrays["torch"] = torch.get_rng_state().numpy()
    return arrays


def put(model: keras.Model, arrays: Mapping[str, np.ndarray], groups: Sequence[str] = ("model", "optimizer")) -> None:
    """Sets the state. Raises: RunFailed: it is that of another model or optimizer."""
    for group in groups:
        variables = variables_of(model)[group]
        stored = [arrays[f"{group}/{number}"] for number in range(count(arrays, group))]
        if [tuple(variable.shape) for variable in variables] != [array.shape for array in stored]:
            raise RunFailed(
                f"the checkpoint does not fit: its {group} has {len(stored)} variables of other shapes or number",
                "go on with the pipeline that wrote it, or start a new run",
            )
        for variable, array in zip(variables, stored, strict=True):
            variable.assign(array)
    if keras.backend.backend() == "torch" and "torch" in arrays:
        import torch

        torch.set_rng_state(torch.from_numpy(arrays["torch"].copy()))


def count(arrays: Mapping[str, np.ndarray], group: str) -> int:
    return sum(name.startswith(f"{group}/") for name in arrays)
