"""Ranks: PyTorch's processes. The first leads: it alone keeps the optimizer, the progress and the run; in each step
the others get its weights and give it the gradients of their shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from kpipe.training.sharing.gradients import add_up_gradients
from kpipe.training.sharing.shares import rows

OVER = -1
"""Told in the place of a step's number when a stage has ended."""


def number() -> int:
    """How many processes train together; 1 on the other backends."""
    if keras.backend.backend() != "torch":
        return 1
    from torch import distributed

    return int(distributed.get_world_size()) if distributed.is_initialized() else 1


def own() -> int:
    """The number of this process among them, from 0."""
    if number() == 1:
        return 0
    from torch import distributed

    return int(distributed.get_rank())


def lead(model: keras.Model, number_of_step: Callable[[], int]) -> None:
    """Makes each step of a compiled model one of all processes; ``number_of_step`` says which of the stage is next."""
    step = add_up_gradients(model, add_up)

    def led(data: Any) -> Any:
        tell(number_of_step(), model)
        step(data)
        add_up_metrics(model)
        return model.get_metrics_result()

    model.train_step = led


def dismiss(model: keras.Model) -> None:
    """The stage has ended: the others get the weights that it came to, and go on to the next."""
    tell(OVER, model)


def follow(model: keras.Model, batches: keras.utils.PyDataset) -> None:
    """Does this process's share of each step that the first one tells, until the stage has ended."""
    model.optimizer.apply = left_to_the_first
    add_up_gradients(model, add_up)
    generators = [one for layer in model._flatten_layers() for one in layer._seed_generators]
    seeds = [keras.ops.convert_to_numpy(one.state)[0] for one in generators]
    while (told := hear(model)) != OVER:
        for generator, seed in zip(generators, seeds, strict=True):  # counts as the first does, and draws otherwise
            generator.state.assign(np.array([seed, keras.ops.convert_to_numpy(generator.state)[1]]))
        share = batches[told]
        model.train_on_batch(*share)  # it forgets the metrics of the step before
        if not rows(share):
            model.reset_metrics()  # the mean over nothing is no number
        add_up_metrics(model)


def left_to_the_first(grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
    """Nothing: the first process applies the sum of all gradients."""


def add_up_metrics(model: keras.Model) -> None:
    """Keras's metrics are sums: the first process's become those of all since the epoch began."""
    variables = model.metrics_variables
    for variable, total in zip(variables, add_up([one.value for one in variables]), strict=True):
        variable.assign(total)


def add_up(tensors: list[Any]) -> list[Any]:
    """Sums over all processes, in one message."""
    import torch
    from torch import distributed

    with torch.no_grad():
        flat = torch.cat([one.detach().reshape(-1) for one in tensors])
        distributed.all_reduce(flat)
        return apart(flat, tensors)


def apart(flat: Any, like: list[Any]) -> list[Any]:
    """One tensor as several, in the shapes and types of others."""
    parts = flat.split([one.numel() for one in like])
    return [part.reshape(one.shape).to(one.dtype) for part, one in zip(parts, like, strict=True)]


def tell(step: int, model: keras.Model) -> None:
    """Sends a step's number, and all that the model is."""
    import torch
    from torch import distributed

    floats, integers = state_of(model)
    with torch.no_grad():
        numbers = [torch.tensor([step]), *(one.detach().cpu().reshape(-1).long() for one in integers)]
        distributed.broadcast(torch.cat(numbers), 0)
        distributed.broadcast(torch.cat([one.detach().reshape(-1) for one in floats]), 0)


def hear(model: keras.Model) -> int:
    """Receives what the first process tells: the model becomes the same as its own. Returns the step's number."""
    import torch
    from torch import distributed

    floats, integers = state_of(model)
    with torch.no_grad():
        numbers = torch.empty(1 + sum(one.numel() for one in integers), dtype=torch.int64)
        distributed.broadcast(numbers, 0)
        flat = torch.cat([one.detach().reshape(-1) for one in floats])
        distributed.broadcast(flat, 0)
        for own, told in zip((*floats, *integers), (*apart(flat, floats), *apart(numbers[1:], integers)), strict=True):
            own.copy_(told)
    return int(numbers[0])


def state_of(model: keras.Model) -> tuple[list[Any], list[Any]]:
    """Floats and integers that a step depends on: weights, states of seed generators, the scale of the loss."""
    variables = list(model.variables)
    if (scale := getattr(model.optimizer, "dynamic_scale", None)) is not None:
        variables.append(scale)
    values = [variable.value for variable in variables]
    return [one for one in values if one.is_floating_point()], [one for one in values if not one.is_floating_point()]
