"""Differences: the paths at which pipelines are not the same, with the value of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from kpipe.data.path import ELSEWHERE
from kpipe.errors import SpecError
from kpipe.pipeline import Pipeline
from kpipe.spec.document import read


class Nothing(Enum):
    """There is no value, as another type of component has no such field."""

    HERE = "–"


NOTHING: Final = Nothing.HERE


@dataclass(frozen=True)
class Written:
    """A pipeline as plain data: with every default, and with only what is not at its default."""

    whole: Any
    telling: Any


@dataclass(frozen=True)
class Difference:
    """A path, and what stands there on each side."""

    path: str
    values: tuple[Any, ...]


def written(pipeline: Pipeline) -> Written:
    whole = pipeline.model_dump(mode="json")
    return Written(whole, pipeline.model_dump(mode="json", exclude_defaults=True))


def written_in(file: Path) -> Written:
    """The pipeline that a run kept. One of another version of kpipe, which this one does not understand, is as it is.

    Raises: SpecError: it is not there, or no YAML.
    """
    document = read(file)
    if document.mistakes:
        raise SpecError(document.mistakes)
    try:
        return written(Pipeline.model_validate(document.data, context=ELSEWHERE))
    except ValidationError:
        return Written(document.data, document.data)


def differences(sides: Sequence[Written]) -> list[Difference]:
    """By path what the sides have, wherever they do not all have the same.

    Where components are of other types, fields that only one of them has are named if they are not at their default.
    """
    return list(walk("", sides))


def walk(path: str, sides: Sequence[Written]) -> Iterator[Difference]:
    values = [side.whole for side in sides]
    if all(value == values[0] for value in values):
        return
    there = [value for value in values if value is not NOTHING]
    if all(isinstance(value, Mapping) for value in there) and len(there) > 1 and are_alike(there):
        for key in dict.fromkeys(key for value in there for key in value):
            yield from walk(f"{path}.{key}" if path else key, [below(side, key) for side in sides])
    elif all(is_of_mappings(value) for value in there) and len(there) > 1:
        longest = max(len(value) for value in there)
        for position in range(longest):
            name = path if longest == 1 else f"{path}.{position}"
            yield from walk(name, [below(side, position) for side in sides])
    elif len(there) == len(values) or any(side.telling is not NOTHING for side in sides):
        yield Difference(path, tuple(shown(side.whole, side.telling) for side in sides))


def are_alike(values: Sequence[Mapping[str, Any]]) -> bool:
    """Whether mappings are to be compared key by key: two Keras objects of other names are not."""
    names = {next(iter(value)) if is_keras(value) else "" for value in values}
    return len(names) == 1


def is_keras(value: Mapping[str, Any]) -> bool:
    """``{AdamW: {...}}``."""
    return len(value) == 1 and next(iter(value))[:1].isupper()


def is_of_mappings(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(one, Mapping) for one in value)


def below(side: Written, key: Any) -> Written:
    return Written(part(side.whole, key), part(side.telling, key))


def part(value: Any, key: Any) -> Any:
    """What stands in a mapping or a list; NOTHING where there is none of either."""
    if isinstance(value, Mapping):
        return value.get(key, NOTHING)
    if isinstance(value, Sequence) and not isinstance(value, str) and isinstance(key, int) and key < len(value):
        return value[key]
    return NOTHING


def shown(whole: Any, telling: Any) -> Any:
    """A whole part of the file in short: its type, and what is not at its default."""
    if isinstance(whole, Mapping):
        kind = {"type": whole["type"]} if "type" in whole else {}
        return {**kind, **telling} if isinstance(telling, Mapping) else kind or dict(whole)
    if isinstance(whole, Sequence) and is_of_mappings(whole) and isinstance(telling, Sequence):
        return [shown(one, short) for one, short in zip(whole, telling, strict=True)]
    return whole


def words(value: Any) -> str:
    """A value in one line, as YAML takes it: ``[16, 32]``, ``{type: cosine, warmup: 0.05}``, ``null``."""
    if value is NOTHING:
        return str(NOTHING.value)
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**9)
    return str(text).removesuffix("\n").removesuffix("\n...")
