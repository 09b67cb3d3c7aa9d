"""Parameters: a search's space in KerasTuner's words, and its values back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.hyperparameters import Boolean, Choice, Float, HyperParameter, Int
from keras_tuner.src.engine.conditions import Parent

from kpipe.tuning.space import Axis, Choices, Range, Switch


def parameters(axes: Sequence[Axis]) -> keras_tuner.HyperParameters:
    """The space in KerasTuner's words.

    Conditions are given as they are: KerasTuner's own scopes know no parent that has a condition itself.
    """
    found = keras_tuner.HyperParameters()
    by_path = {axis.path: axis for axis in axes}
    for axis in axes:
        conditions = [
            Parent(parent, [encode(by_path[parent], value) for value in values])
            for parent, values in axis.dimension.when.items()
        ]
        found.merge([parameter(axis, conditions)])
    return found


def parameter(axis: Axis, conditions: list[Parent]) -> HyperParameter:
    """One axis. What can be counted is a choice: KerasTuner's own ranges lose the last of some steps (0.3 by 0.1)."""
    dimension, values = axis.dimension, axis.values
    if isinstance(dimension, Switch):
        return Boolean(axis.path, default=bool(axis.default), conditions=conditions)
    if values is not None and not isinstance(values, range):
        own = encode(axis, axis.default) if axis.default in values else None
        return Choice(axis.path, [encode(axis, value) for value in values], default=own, conditions=conditions)
    assert isinstance(dimension, Range)
    is_in = isinstance(axis.default, (int, float)) and dimension.min <= axis.default <= dimension.max
    own = axis.default if is_in and (values is None or axis.default in values) else None
    span = {"min_value": dimension.min, "max_value": dimension.max, "default": own, "conditions": conditions}
    if axis.whole:
        return Int(axis.path, step=None if values is None else values.step, sampling=dimension.sampling, **span)
    return Float(axis.path, sampling=dimension.sampling, **span)


def encode(axis: Axis, value: Any) -> Any:
    """A value as KerasTuner takes it: of choices that are not all numbers, or all words, the place as a word."""
    if isinstance(axis.dimension, Choices) and not is_plain(axis.dimension.choices):
        return str(axis.dimension.choices.index(value))
    return value


def decode(axis: Axis, value: Any) -> Any:
    if isinstance(axis.dimension, Choices) and not is_plain(axis.dimension.choices):
        return axis.dimension.choices[int(value)]
    return value


def is_plain(choices: Sequence[Any]) -> bool:
    """Whether KerasTuner takes these choices as they are."""
    kinds = {type(value) for value in choices}
    return len(kinds) == 1 and kinds <= {int, float, str}
