"""Spec: a frozen, closed value checked by pydantic. Component: a Spec that one file of a section owns."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from kpipe.spec.mistake import Problem

Item = TypeVar("Item")

Tuple = Annotated[tuple[Item, ...], Strict(False)]
"""A sequence: a YAML list becomes a frozen tuple; its items stay strict."""


@dataclass(frozen=True)
class OrOne:
    """Annotates a sequence of which a single item may stand for a list of one: ``Annotated[Tuple[str], OrOne()]``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(as_list, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        several = handler(schema)
        return {"anyOf": [several["items"], several]}


def as_list(value: Any) -> Any:
    """``x -> [x]``; lists, tuples and nothing are left as they are."""
    return value if value is None or isinstance(value, (list, tuple)) else [value]


class Spec(BaseModel):
    """A frozen value: unknown fields, wrong types and values out of range are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())


class Component(Spec):
    """A choice of a section, named by its file.

    ``kpipe/<section>/<type>.py`` holds one subclass whose name is the file's in CamelCase and whose field
    ``type: Literal["<type>"] = "<type>"`` is the word in the YAML. Its docstring's first line describes it.
    """

    type: str
    example: ClassVar[dict[str, Any]] = {}
    """Values for the required fields, enough to build this component in the contract tests."""

    def model_post_init(self, context: Any, /) -> None:  # noqa: ARG002
        """Counts ``type`` as set, also of one made in Python: a dump of what was set says what it is."""
        self.model_fields_set.add("type")

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(cls) or "").split("\n", 1)[0]


def refuse(*problems: Problem) -> PydanticCustomError:
    """The error a validator raises when fields contradict each other or the world; paths are relative to the value.

    >>> raise refuse(Problem(("pool_size",), "pool_size 2 needs pooling", "set `pooling: max`"))
    """
    return PydanticCustomError("problems", "{count} problems", {"problems": problems, "count": len(problems)})
