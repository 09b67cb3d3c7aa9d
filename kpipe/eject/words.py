"""Words: values and calls as Python source, broken into lines as ruff's formatter breaks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kpipe.spec.keras_object import KerasObject

WIDTH = 120


def literal(value: Any) -> str:
    """A plain value, or a Keras object of the pipeline, as an expression."""
    if isinstance(value, KerasObject):
        arguments = ", ".join(f"{name}={literal(one)}" for name, one in value.arguments.items())
        return f"keras.{'optimizers.schedules' if value.kind == 'schedules' else value.kind}.{value.name}({arguments})"
    if isinstance(value, str):
        # in double quotes, as ruff's formatter has it, where none is in it: repr takes them where a single one is
        return repr(value) if '"' in value else '"' + repr(f"'{value}")[2:]
    if isinstance(value, (list, tuple)):
        items = ", ".join(literal(one) for one in value)
        if isinstance(value, list):
            return f"[{items}]"
        return f"({items},)" if len(value) == 1 else f"({items})"
    return repr(value)


def assigned(name: str, items: Sequence[Any]) -> str:
    """``name = [items]`` in one line, or an item a line where it is too long for one."""
    whole = f"{name} = {literal([*items])}"
    if len(whole) <= WIDTH:
        return whole
    return "\n".join([f"{name} = [", *(f"    {literal(item)}," for item in items), "]"])


def path_of(text: str) -> str:
    """A path as it is read from where kpipe runs: below it, or absolute."""
    return literal(place_of(text))


def place_of(text: str) -> str:
    path = Path(text)
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else path.as_posix()


def call(before: str, arguments: Sequence[str], after: str = "", comment: str = "", indent: int = 0) -> str:
    """``before(arguments)after  # comment`` in one line, or in as many as it takes."""
    margin, note = " " * indent, f"  # {comment}" if comment else ""
    whole = f"{margin}{before}({', '.join(arguments)}){after}{note}"
    if len(whole) <= WIDTH:
        return whole
    head, opened, tail = after.rstrip(")").partition("(")
    if opened and len(f"{margin}{before}({', '.join(arguments)}){head}(") <= WIDTH:  # what comes last is broken first
        return f"{margin}{before}({', '.join(arguments)}){head}(\n{margin}    {tail}\n{margin}){note}"
    inner = f"{margin}    {', '.join(arguments)}"
    if len(inner) > WIDTH:
        inner = "\n".join(f"{margin}    {argument}," for argument in arguments)
    return f"{margin}{before}(\n{inner}\n{margin}){after}{note}"


def changed(code: str, *pairs: tuple[str, str]) -> str:
    """A template with each second of the ``pairs`` in the place of its first, which is there."""
    for before, after in pairs:
        assert before in code, before
        code = code.replace(before, after)
    return code


def keywords(arguments: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in arguments.items()]
