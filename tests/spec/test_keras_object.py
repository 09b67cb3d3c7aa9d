from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from kpipe.errors import WrongInput
from kpipe.spec.keras_object import KerasObject, OfKind
from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Spec


class Holder(Spec):
    optimizer: Annotated[KerasObject, OfKind("optimizers")] = Field(KerasObject("AdamW", {"beta_1": 0.8}))
    loss: Annotated[KerasObject, OfKind("losses")] | None = None
    activation: Annotated[KerasObject, OfKind("activations")] = KerasObject("relu", kind="activations")
    layer: Annotated[KerasObject, OfKind("layers")] | None = None


def problems(**fields: Any) -> list[Problem]:
    with pytest.raises(ValidationError) as raised:
        Holder.model_validate(fields)
    return [problem for error in raised.value.errors() for problem in error["ctx"]["problems"]]


SCHEDULED = {
    "SGD": {"learning_rate": {"CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 100}}, "momentum": 1}
}


@pytest.mark.parametrize(
    "written", ["AdamW", {"AdamW": {"learning_rate": 1e-3}}, SCHEDULED, {"SGD": {"nesterov": True}}]
)
def test_what_was_written_is_what_is_dumped(written: Any) -> None:
    found = Holder(optimizer=written)
    assert found.model_dump(mode="json")["optimizer"] == written
    assert Holder.model_validate(found.model_dump()) == found
    assert Holder.model_validate({"optimizer": found.optimizer}).optimizer is found.optimizer


def test_defaults_are_dumped_as_they_are_written() -> None:
    assert Holder().model_dump(mode="json")["optimizer"] == {"AdamW": {"beta_1": 0.8}}
    assert Holder(optimizer={"AdamW": None}).model_dump()["optimizer"] == "AdamW"


@pytest.mark.parametrize(
    ("written", "path", "message", "hint"),
    [
        ("Adm", (), "no Keras optimizer `Adm`", "nearest: Adam, Nadam; all: kpipe list optimizers"),
        ({"Adm": {}}, (), "no Keras optimizer `Adm`", "nearest: Adam, Nadam; all: kpipe list optimizers"),
        ("LossScaleOptimizer", (), "no Keras optimizer `LossScaleOptimizer`", "all: kpipe list optimizers"),
        (3, (), "expected one Keras optimizer, received 3 (a number)", "write AdamW or {AdamW: {name: value}}"),
        (None, (), "expected one Keras optimizer, received nothing", "write AdamW or {AdamW: {name: value}}"),
        ({"type": "SGD", "momentum": 1}, (), "expected one Keras optimizer, received 2 names", "write {SGD: {...}}"),
        ({"type": "SGD"}, (), "no Keras optimizer `type`", "write SGD"),
        ({"SGD": 3}, ("SGD",), "expected the arguments of SGD, received 3 (a number)",
         "write {SGD: {argument: value}}"),
        ({"SGD": {"lr": 1}}, ("SGD", "lr"), "SGD has no such argument", "did you mean `learning_rate`?"),
        ({"SGD": {"nesterov": "yes"}}, ("SGD", "nesterov"),
         'expected true or false, received "yes" (a string)', "write true"),
        ({"SGD": {"momentum": True}}, ("SGD", "momentum"), "expected a number, received true", "default 0"),
        ({"SGD": {"learning_rate": 0}}, ("SGD", "learning_rate"), "0 is out of range: more than 0", "default 0.01"),
        ({"SGD": {"momentum": 10**400}}, ("SGD", "momentum"),
         "expected a finite number, received 100000000000... (a number)", "default 0"),
        ({"SGD": {"clipnorm": float("inf")}}, ("SGD", "clipnorm"),
         "expected a finite number, received .inf (a number)", ""),
        ({"SGD": {"learning_rate": "x"}}, ("SGD", "learning_rate"),
         'expected a number or a Keras schedule, received "x" (a string)', "default 0.01"),
        ({"SGD": {"learning_rate": {"HeNormal": {}}}}, ("SGD", "learning_rate"),
         "no Keras learning-rate schedule `HeNormal`", "all: kpipe list schedules"),
        ({"SGD": {"momentum": {"CosineDecay": {}}}}, ("SGD", "momentum"),
         "expected a number, received a mapping", "default 0"),
        ({"SGD": {"learning_rate": {"CosineDecay": {"initial_learning_rate": 1}}}},
         ("SGD", "learning_rate", "CosineDecay"),
         "CosineDecay needs `decay_steps`", "write {CosineDecay: {decay_steps: ...}}"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong(written: Any, path: tuple[str, ...], message: str, hint: str) -> None:
    (problem,) = problems(optimizer=written)
    assert (problem.path, problem.message, problem.hint) == (path, message, hint)


def test_all_that_is_wrong_is_told() -> None:
    found = problems(
        optimizer={"AdamW": {"lr": 1, "beta1": 1, "learning_rate": -1}}, loss="Hubr", activation={"elu": {"a": 1}}
    )
    assert [problem.path for problem in found] == [
        ("AdamW", "lr"), ("AdamW", "beta1"), ("AdamW", "learning_rate"), (), ("elu",),
    ]  # fmt: skip


def test_nested_names_are_checked_too() -> None:
    layer = {
        "Dense": {
            "units": 3,
            "activation": "relu",
            "kernel_initializer": "he_normal",
            "kernel_regularizer": {"L2": None},
        }
    }
    assert Holder(layer=layer).model_dump()["layer"] == {"Dense": layer["Dense"] | {"kernel_regularizer": "L2"}}
    (problem,) = problems(layer={"Dense": {"units": 3, "kernel_initializer": "he_normall"}})
    assert problem.path == ("Dense", "kernel_initializer")


def test_the_real_object_is_built(backend: str) -> None:
    import keras

    optimizer = Holder(optimizer=SCHEDULED).optimizer.build(clipnorm=2.0)
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert isinstance(optimizer._learning_rate, keras.optimizers.schedules.CosineDecay)
    assert optimizer.clipnorm == 2.0
    loss = Holder(loss={"Huber": {"delta": 2.0}}).loss
    assert loss is not None
    assert isinstance(loss.build(), keras.losses.Huber)
    assert Holder().activation.build() is keras.activations.relu


def test_every_optimizer_and_loss_is_built_by_its_name(backend: str) -> None:
    from kpipe.spec import keras_source

    for name in keras_source.names("optimizers"):
        assert type(Holder(optimizer=name).optimizer.build()).__name__ == name
    for name in keras_source.names("losses"):
        loss = Holder(loss=name).loss
        assert loss is not None
        assert type(loss.build()).__name__ == name


def test_what_keras_refuses_is_said_plainly(backend: str) -> None:
    with pytest.raises(WrongInput, match=r"Keras refuses SGD\(momentum=7.0\)"):
        Holder(optimizer={"SGD": {"momentum": 7}}).optimizer.build()
