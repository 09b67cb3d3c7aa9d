"""Shape: what a spec expects at a path of the YAML, found by walking the annotations of its fields."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, Discriminator, Tag
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from kpipe.spec.mistake import Path
from kpipe.spec.node import Node
from kpipe.spec.one_of import OneOf, components
from kpipe.spec.spec import OrOne


@dataclass(frozen=True)
class Shape:
    """One of the types allowed at a place: an annotation without its union and its metadata."""

    annotation: Any
    metadata: tuple[Any, ...] = ()
    field: FieldInfo | None = None

    @property
    def spec(self) -> type[BaseModel] | None:
        """The spec class, if it is one."""
        return self.annotation if isinstance(self.annotation, type) and issubclass(self.annotation, BaseModel) else None

    @property
    def one_of(self) -> OneOf | None:
        return next((item for item in self.metadata if isinstance(item, OneOf)), None)

    @property
    def is_list(self) -> bool:
        return get_origin(self.annotation) in (tuple, list)

    @property
    def takes_one(self) -> bool:
        """Whether a single item may stand for a list of one."""
        return any(isinstance(item, OrOne) for item in self.metadata)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of a Literal."""
        return get_args(self.annotation) if get_origin(self.annotation) is Literal else ()

    @property
    def interval(self) -> dict[str, float]:
        """The bounds of a number by their sort: ``{"ge": 0, "lt": 1}``."""
        sorts = ((Ge, "ge"), (Gt, "gt"), (Le, "le"), (Lt, "lt"))
        return {name: getattr(item, name) for item in self.metadata for sort, name in sorts if isinstance(item, sort)}


def shapes_at(spec: type[BaseModel], path: Path, root: Node) -> list[Shape]:
    """Every type that ``spec`` allows at ``path``; what stands in the YAML picks the components on the way."""
    found = [Shape(spec)]
    node: Node | None = root
    for part in path:
        below = node.child(part) if node is not None else None
        found = [inner for shape in found for inner in inside(shape, part, node, below)]
        node = below
    return found


def inside(shape: Shape, part: str | int, node: Node | None, below: Node | None) -> Iterator[Shape]:
    """The types allowed under one key or position."""
    spec, origin, args = shape.spec, get_origin(shape.annotation), get_args(shape.annotation)
    if spec is not None:
        field = spec.model_fields.get(str(part))
        if field is not None:
            yield from alternatives(field.annotation, tuple(field.metadata), field, below)
    elif origin is dict:
        yield from alternatives(args[1], (), None, below)
    elif origin in (tuple, list) and isinstance(part, int):
        item = args[0] if args[-1] is Ellipsis or part >= len(args) else args[part]
        yield from alternatives(item, (), shape.field, below)
    elif origin in (tuple, list):
        for single in alternatives(args[0], (), shape.field, node):
            yield from inside(single, part, node, below)


def standing_for(shape: Shape, node: Node) -> Iterator[Shape]:
    """The shape itself; of a list for which a mapping stands, the shapes of its one item."""
    if shape.is_list and node.is_mapping:
        yield from alternatives(get_args(shape.annotation)[0], (), shape.field, node)
    else:
        yield shape


def alternatives(
    annotation: Any, metadata: tuple[Any, ...], field: FieldInfo | None, node: Node | None
) -> Iterator[Shape]:
    """The members of a union, each with the metadata around it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extra = get_args(annotation)
        inner = told_apart(inner, extra, node)
        field = field or next((item for item in extra if isinstance(item, FieldInfo)), None)
        flat = [part for item in extra for part in (item.metadata if isinstance(item, FieldInfo) else [item])]
        yield from alternatives(inner, (*metadata, *flat), field, node)
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            if member is not type(None):
                yield from alternatives(member, metadata, field, node)
    else:
        shape = Shape(annotation, metadata, field)
        chosen = component(shape.one_of, node)
        yield Shape(chosen, metadata, field) if chosen is not None else shape


def told_apart(union: Any, metadata: list[Any], node: Node | None) -> Any:
    """The member of a union that the YAML means, where a Discriminator tells by the keys; else the union."""
    tell = next((item.discriminator for item in metadata if isinstance(item, Discriminator)), None)
    if node is None or not callable(tell):
        return union
    tag = Tag(str(tell(node.plain)))
    return next((member for member in get_args(union) if tag in get_args(member)), union)


def component(one_of: OneOf | None, node: Node | None) -> type[BaseModel] | None:
    """The component that the YAML names at this node."""
    if one_of is None or node is None:
        return None
    kind = node.child("type") if node.is_mapping else node
    return components(one_of.package).get(kind.value) if kind is not None and isinstance(kind.value, str) else None


def default_of(field: FieldInfo | None) -> Any:
    """A field's default; None where there is none worth showing."""
    if field is None or field.default is PydanticUndefined or field.default in (None, (), {}):
        return None
    return field.default
