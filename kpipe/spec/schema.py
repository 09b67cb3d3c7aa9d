"""Schema: the JSON Schema of a pipeline file, closed and with descriptions, that editors complete and check with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from kpipe.spec import keras_source
from kpipe.spec.keras_object import KERAS, MORE_THAN_ZERO, NOUNS, KerasObject, nested_kind
from kpipe.spec.keras_source import Argument, Kind, Unknown

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
EXTENDS: Final = {
    "description": "other pipeline files that this one is laid over, relative to this file",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
}


class _Generator(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """A default as it is written in a file."""
        return dft.plain if isinstance(dft, KerasObject) else super().encode_default(dft)


def json_schema(spec_class: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a pipeline file.

    A file with ``extends`` may leave out what the others say: of it only the sections' names are checked.
    """
    kinds: set[Kind] = set()
    whole = tidy(spec_class.model_json_schema(schema_generator=_Generator), kinds)
    definitions = whole.pop("$defs", {})
    for kind in with_nested(kinds):
        definitions[reference(kind)] = keras_definition(kind)
    properties = whole.pop("properties")
    extended = {"extends": EXTENDS, **{name: {} for name in properties}}
    return {
        "$schema": DIALECT,
        "title": "a kpipe pipeline",
        "description": whole.get("description", ""),
        "type": "object",
        "if": {"required": ["extends"]},
        "then": {"properties": extended, "additionalProperties": False},
        "else": {"properties": properties, "required": whole["required"], "additionalProperties": False},
        "$defs": dict(sorted(definitions.items())),
    }


def tidy(schema: Any, kinds: set[Kind]) -> Any:
    """A part of pydantic's schema without what editors do not need; gathers the kinds of Keras objects in it."""
    if isinstance(schema, list):
        return [tidy(item, kinds) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if KERAS in schema:
        kinds.add(schema[KERAS])
        described = {key: value for key, value in schema.items() if key in ("description", "default")}
        return {**described, "$ref": f"#/$defs/{reference(schema[KERAS])}"}
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: tidy(inner, kinds) for name, inner in value.items()}
        elif key == "description":
            result[key] = value.split("\n", 1)[0]
        elif key == "default":
            result[key] = value
        elif key not in ("discriminator", "title"):
            result[key] = tidy(value, kinds)
    kind = result.get("properties", {}).get("type", {})
    if "const" in kind:
        kind.pop("default", None)
        result["required"] = ["type", *result.get("required", ())]
    return result


def reference(kind: Kind) -> str:
    return f"keras-{kind}"


def with_nested(kinds: set[Kind]) -> set[Kind]:
    """The kinds, and those that their arguments take."""
    found: set[Kind] = set()
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            waiting += [
                nested
                for _, arguments in objects(kind)
                for argument in arguments
                if (nested := nested_kind(argument.name))
            ]
    return found


def objects(kind: Kind) -> Iterator[tuple[str, list[Argument]]]:
    """The names of a kind with their arguments."""
    for name in keras_source.names(kind):
        found = keras_source.public(kind, name)
        yield name, [] if kind == "activations" else list(keras_source.arguments(found).values())


def keras_definition(kind: Kind) -> dict[str, Any]:
    """A name alone, or a mapping of one name to its arguments."""
    names = list(keras_source.names(kind))
    name_only = {"enum": names}
    if kind == "activations":
        return {"description": "a Keras activation", **name_only}
    mappings = {
        name: {
            "description": keras_source.public(kind, name).summary,
            "type": ["object", "null"],
            "properties": {argument.name: argument_schema(argument) for argument in arguments},
            "required": [argument.name for argument in arguments if argument.required],
            "additionalProperties": False,
        }
        for name, arguments in objects(kind)
    }
    mapping = {
        "type": "object",
        "properties": mappings,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"description": f"a Keras {NOUNS[kind]}", "anyOf": [name_only, mapping]}


def argument_schema(argument: Argument) -> dict[str, Any]:
    """What ``keras_object`` accepts for an argument."""
    default = argument.default
    shown = {} if default is None or default is Unknown else {"default": default}
    nested = nested_kind(argument.name)
    own: dict[str, Any] = {}
    if argument.name in MORE_THAN_ZERO:
        own = {"type": "number", "exclusiveMinimum": 0}
    elif isinstance(default, bool):
        own = {"type": "boolean"}
    elif isinstance(default, (int, float)):
        own = {"type": "number"}
    elif isinstance(default, str):
        own = {"type": ["string", "null"]}
    if nested is None or not own:
        return {**own, **shown}
    return {"anyOf": [own, {"$ref": f"#/$defs/{reference(nested)}"}], **shown}
