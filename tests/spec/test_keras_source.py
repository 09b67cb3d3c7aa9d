from __future__ import annotations

import inspect
from typing import Any

import pytest

from kpipe.spec import keras_source
from kpipe.spec.keras_source import Kind, Unknown

CLASSES: tuple[Kind, ...] = ("optimizers", "schedules", "losses", "metrics", "initializers", "regularizers", "layers")


@pytest.mark.parametrize("kind", CLASSES)
def test_names_and_arguments_are_those_of_keras(kind: Kind, backend: str) -> None:
    import keras

    module = keras.optimizers.schedules if kind == "schedules" else getattr(keras, kind)
    for name in keras_source.names(kind):
        constructor = getattr(module, name).__init__
        if constructor is object.__init__:
            continue
        real = list(inspect.signature(constructor).parameters.values())[1:]
        named = {one.name: one.default for one in real if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
        read, takes_more = keras_source.own_arguments(keras_source.public(kind, name))
        assert [argument.name for argument in read] == list(named), name
        assert takes_more == any(one.kind == one.VAR_KEYWORD for one in real), name
        for argument in read:
            assert argument.required == (named[argument.name] is inspect.Parameter.empty), (name, argument.name)
            assert argument.required or argument.default in (Unknown, named[argument.name]), (name, argument.name)


def test_no_public_optimizer_schedule_or_loss_is_left_out(backend: str) -> None:
    import keras

    bases: dict[Kind, Any] = {
        "optimizers": keras.Optimizer,
        "schedules": keras.optimizers.schedules.LearningRateSchedule,
        "losses": keras.Loss,
    }
    for kind, base in bases.items():
        module = keras.optimizers.schedules if kind == "schedules" else getattr(keras, kind)
        real = {name for name, found in vars(module).items() if isinstance(found, type) and issubclass(found, base)}
        assert set(keras_source.names(kind)) == real - set(keras_source.PYTHON_ONLY.split())


def test_activations_are_those_of_keras(backend: str) -> None:
    import keras

    for name in keras_source.names("activations"):
        assert keras.activations.get(name) is getattr(keras.activations, name)


def test_arguments_of_the_classes_above_are_found_where_they_are_handed_on() -> None:
    dense = keras_source.arguments(keras_source.public("layers", "Dense"))
    assert dense["units"].required
    assert {"trainable", "dtype", "name"} <= set(dense)
    adam = keras_source.arguments(keras_source.public("optimizers", "AdamW"))
    assert adam["learning_rate"].default == 0.001
    assert adam["amsgrad"].default is False


def test_every_name_has_a_line() -> None:
    for kind in ("optimizers", "schedules", "losses", "metrics", "activations"):
        for name in keras_source.names(kind):
            assert keras_source.public(kind, name).summary, (kind, name)
