"""Keras objects by name: ``AdamW`` or ``{AdamW: {learning_rate: 1.0e-3}}``, checked before Keras is imported."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from kpipe.errors import WrongInput
from kpipe.spec import keras_source
from kpipe.spec.keras_source import MODULES, Argument, Kind, Unknown
from kpipe.spec.mistake import Path, Problem, nearest, printable, several_nearest
from kpipe.spec.received import as_boolean, as_number, received
from kpipe.spec.spec import refuse

NOUNS: Final[dict[Kind, str]] = {
    "optimizers": "optimizer",
    "schedules": "learning-rate schedule",
    "losses": "loss",
    "metrics": "metric",
    "activations": "activation",
    "initializers": "initializer",
    "regularizers": "regularizer",
    "layers": "layer",
}

NESTED: Final[dict[str, Kind]] = {
    "learning_rate": "schedules",
    "activation": "activations",
    "initializer": "initializers",
    "regularizer": "regularizers",
    "layer": "layers",
}
"""Arguments, or the last words of their names, that take a Keras object themselves."""

KERAS: Final = "kpipe-keras"
"""Marks the place of a Keras object in pydantic's JSON Schema, for ``kpipe.spec.schema`` to fill."""

LARGEST: Final = 1e300

MORE_THAN_ZERO: Final = ("learning_rate", "initial_learning_rate", "decay_steps", "first_decay_steps")


@dataclass(frozen=True)
class KerasObject:
    """A Keras object that is not made yet. Nested objects are KerasObjects themselves."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = "optimizers"

    def build(self, **extra: Any) -> Any:
        """The Keras object; ``extra`` arguments win. Imports Keras. Raises: WrongInput: Keras refuses a value."""
        module = importlib.import_module(MODULES[self.kind])
        factory = getattr(module, self.name)
        if self.kind == "activations":
            return factory
        built = {name: build_nested(value) for name, value in self.arguments.items()}
        try:
            return factory(**{**built, **extra})
        except (TypeError, ValueError) as error:
            raise WrongInput(f"Keras refuses {self.name}({words(self.arguments)}): {error}") from error

    @property
    def plain(self) -> Any:
        """The YAML form: ``AdamW``, or ``{AdamW: {...}}``."""
        return {self.name: plain_nested(dict(self.arguments))} if self.arguments else self.name

    def __str__(self) -> str:
        return f"{self.name}({words(self.arguments)})" if self.arguments else self.name


def words(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


def build_nested(value: Any) -> Any:
    if isinstance(value, KerasObject):
        return value.build()
    return [build_nested(item) for item in value] if isinstance(value, list) else value


def plain_nested(value: Any) -> Any:
    if isinstance(value, KerasObject):
        return value.plain
    if isinstance(value, dict):
        return {name: plain_nested(item) for name, item in value.items()}
    return [plain_nested(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class OfKind:
    """Annotates a field that takes a Keras object: ``optimizer: Annotated[KerasObject, OfKind("optimizers")]``."""

    kind: Kind

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(plain_nested)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {KERAS: self.kind}

    def read(self, written: Any) -> KerasObject:
        """The object, or a refusal that holds all that is wrong with it."""
        if isinstance(written, KerasObject):
            return written
        found, problems = read(written, self.kind, ())
        if problems:
            raise refuse(*problems)
        assert found is not None
        return found


def read(written: Any, kind: Kind, path: Path) -> tuple[KerasObject | None, list[Problem]]:
    """A Keras object from its YAML form, and all that is wrong with it."""
    noun = NOUNS[kind]
    form = "relu" if kind == "activations" else f"{example(kind)} or {{{example(kind)}: {{name: value}}}}"
    if isinstance(written, str):
        name, arguments, key = written, None, None
    elif isinstance(written, Mapping) and len(written) == 1:
        ((name, arguments),) = written.items()
        key = (*path, name)
    else:
        got = f"{len(written)} names" if isinstance(written, Mapping) else received(written)
        meant = as_keras(written, kind) if isinstance(written, Mapping) else None
        return None, [Problem(path, f"expected one Keras {noun}, received {got}", f"write {meant or form}")]
    if key is not None and (meant := as_keras(written, kind)) is not None:
        return None, [Problem(path, f"no Keras {noun} `{printable(name)}`", f"write {meant}", key)]
    if name not in keras_source.names(kind):
        return None, [Problem(path, f"no Keras {noun} `{printable(name)}`", alternatives(name, kind), key)]
    path = path if key is None else key
    if not isinstance(arguments, (Mapping, type(None))):
        hint = f"write {{{name}: {{argument: value}}}}"
        return None, [Problem(path, f"expected the arguments of {name}, received {received(arguments)}", hint)]
    if kind == "activations" and arguments:
        return None, [Problem(path, "an activation takes no arguments here", f"write {name}", key)]
    return read_arguments(name, kind, arguments or {}, path)


def as_keras(written: Mapping[str, Any], kind: Kind) -> str | None:
    """``{type: AdamW, ...}`` as it is written for Keras, where that was meant."""
    name = written.get("type", written.get("name", written.get("class_name")))
    if isinstance(name, str) and name in keras_source.names(kind):
        return f"{{{name}: {{...}}}}" if len(written) > 1 else name
    return None


def example(kind: Kind) -> str:
    return {"optimizers": "AdamW", "schedules": "CosineDecay", "losses": "Huber"}.get(kind, keras_source.names(kind)[0])


def alternatives(name: str, kind: Kind) -> str:
    if name == "type":
        return f"a Keras {NOUNS[kind]} is written {{{example(kind)}: {{...}}}}; all: kpipe list {kind}"
    near = several_nearest(name, keras_source.names(kind))
    return (f"nearest: {', '.join(near)}; " if near else "") + f"all: kpipe list {kind}"


def read_arguments(
    name: str, kind: Kind, written: Mapping[str, Any], path: Path
) -> tuple[KerasObject | None, list[Problem]]:
    if kind == "activations":
        return KerasObject(name, {}, kind), []
    known = keras_source.arguments_for(keras_source.public(kind, name), written)
    problems: list[Problem] = []
    read_values: dict[str, Any] = {}
    for argument, value in written.items():
        here = (*path, argument)
        if argument in known:
            read_values[argument], more = read_value(known[argument], value, here)
            problems += more
        else:
            near = nearest(argument, known)
            others = [other for other in known if other != "name"]
            hint = f"did you mean `{near}`?" if near else f"it has: {', '.join(others)}"
            problems.append(Problem(here, f"{name} has no such argument", hint, here))
    missing = [argument.name for argument in known.values() if argument.required and argument.name not in written]
    if missing:
        form = ", ".join(f"{argument}: ..." for argument in missing)
        needed = f"{name} needs {', '.join(f'`{argument}`' for argument in missing)}"
        problems.append(Problem(path, needed, f"write {{{name}: {{{form}}}}}", path or None))
    return (None if problems else KerasObject(name, read_values, kind)), problems


def nested_kind(argument: str) -> Kind | None:
    """The kind of Keras object that an argument of this name takes, if it takes one."""
    return NESTED.get(argument) or NESTED.get(argument.rpartition("_")[2])


def read_value(argument: Argument, value: Any, path: Path) -> tuple[Any, list[Problem]]:
    """An argument's value with nested objects read, and what is wrong with it."""
    kind = nested_kind(argument.name)
    if isinstance(value, Mapping) and kind is not None:
        return read(value, kind, path)
    if isinstance(value, str) and kind is not None and kind != "schedules":
        if value in keras_source.aliases(kind):
            return value, []
        return value, [Problem(path, f"no Keras {NOUNS[kind]} `{printable(value)}`", alternatives(value, kind))]
    problems = wrong_value(argument, value, path, kind)
    if not problems and isinstance(argument.default, float) and isinstance(value, int):
        return float(value), []  # Keras asks for a float in places, as SGD's momentum
    return value, problems


def wrong_value(argument: Argument, value: Any, path: Path, kind: Kind | None) -> list[Problem]:
    """What the default (a number, a boolean, a text) or the name says against a value."""
    default = argument.default
    shown = "" if default is None or default is Unknown else f"default {received(default, kind=False)}"
    positive = argument.name in MORE_THAN_ZERO
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if positive or (isinstance(default, (int, float)) and not isinstance(default, bool)):
        if not number:
            what = "a number or a Keras schedule" if kind == "schedules" else "a number"
            hint = as_number(value) if isinstance(value, str) else ""
            return [Problem(path, f"expected {what}, received {received(value)}", hint or shown)]
        if positive and not 0 < value < LARGEST:
            return [Problem(path, f"{received(value, kind=False)} is out of range: more than 0", shown)]
    elif isinstance(default, bool) and not isinstance(value, bool):
        return [Problem(path, f"expected true or false, received {received(value)}", as_boolean(value) or shown)]
    elif isinstance(default, str) and not isinstance(value, (str, type(None))):
        return [Problem(path, f"expected text, received {received(value)}", shown)]
    elif isinstance(value, Mapping):
        return [Problem(path, f"expected a plain value, received {received(value)}", shown)]
    if number and not -LARGEST < value < LARGEST:
        return [Problem(path, f"expected a finite number, received {received(value)}", shown)]
    return []
