"""OneOf: a field that takes any component of a folder. The folder is the registry; there is no list to keep."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from kpipe.spec.node import Node
from kpipe.spec.spec import Component


@functools.cache
def components(package: str) -> dict[str, type[Component]]:
    """Every component of a package's folder, by its ``type``, in alphabetical order.

    A module counts when it defines a Component whose class name is the file's name in CamelCase. A plugin adds its
    own under the entry-point group ``kpipe.components``, named ``<package>:<type>``.
    """
    found: dict[str, type[Component]] = {}
    folder = importlib.import_module(package)
    for module_info in pkgutil.iter_modules(folder.__path__):
        if not may_be_component(package, module_info.name):
            continue
        module = importlib.import_module(f"{package}.{module_info.name}")
        component = component_of(vars(module), module_info.name)
        if component is not None:
            found[module_info.name] = component
    for entry in plugin_entries():
        section, _, name = entry.name.partition(":")
        if section == package:
            found[name] = entry.load()
    return dict(sorted(found.items()))


def may_be_component(package: str, name: str) -> bool:
    """Whether a module's text has the line of a component; one that has not is left alone, as it may import Keras."""
    found = find_spec(f"{package}.{name}")
    source = getattr(found.loader, "get_source", None) if found is not None else None
    return source is None or f'Literal["{name}"]' in (source(f"{package}.{name}") or "")


@functools.cache
def plugin_entries() -> tuple[Any, ...]:
    return tuple(entry_points(group="kpipe.components"))


def component_of(namespace: dict[str, Any], name: str) -> type[Component] | None:
    """The component class that a module called ``name`` is named after, if it has one."""
    wanted = name.replace("_", "").lower()
    for value in namespace.values():
        if isinstance(value, type) and issubclass(value, Component) and value.__name__.lower() == wanted:
            return value if "type" in value.model_fields and not value.model_fields["type"].is_required() else None
    return None


@dataclass(frozen=True)
class OneOf:
    """Annotates a field with the folder its value comes from: ``data: Annotated[Source, OneOf("kpipe.data")]``.

    The value is a mapping whose ``type`` picks the component; the name alone stands for ``{type: name}``.
    """

    package: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {name: handler.generate_schema(component) for name, component in components(self.package).items()}
        union = core_schema.tagged_union_schema(choices, discriminator="type")
        return core_schema.no_info_before_validator_function(from_name, union)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(components(self.package))}, handler(schema)]}


def from_name(value: Any) -> Any:
    """``"digits" -> {"type": "digits"}``; anything else is left as it is."""
    return {"type": value} if isinstance(value, str) else value


def names_component(node: Node, part: str | int) -> bool:
    """Whether a node of the YAML says that it is the component ``part``, by ``type`` or by the name alone."""
    kind = node.child("type") if node.is_mapping else node
    return kind is not None and isinstance(part, str) and kind.value == part


NOUNS = {
    "data": "data source",
    "training": "training method",
    "tokenization": "tokenizer",
    "decoding": "way of decoding",
    "tuning": "search",
}


def section(package: str) -> str:
    """The word for a package in ``kpipe list``: ``kpipe.training.schedules -> schedules``."""
    return package.rpartition(".")[2]


def noun(package: str) -> str:
    """One component of a package, in words: ``kpipe.data -> data source``."""
    name = section(package)
    return NOUNS.get(name, name.removesuffix("s"))
