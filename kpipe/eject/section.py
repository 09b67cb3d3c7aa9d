"""Section: a part of the script, who writes it, and the refusal of what nobody can write."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from kpipe.errors import WrongInput

REFUSED = " cannot be ejected yet: no script was written"


@dataclass(frozen=True)
class Section:
    """Lines of code, with the imports and the constants at the top that they use."""

    code: str
    imports: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()


def writers(package: str) -> tuple[str, ...]:
    """The components that a folder has a file for: ``kpipe.eject.data -> ("sklearn",)``."""
    folder = importlib.import_module(package)
    return tuple(sorted(module.name for module in pkgutil.iter_modules(folder.__path__) if not module.ispkg))


def writer_of(package: str, where: str, name: str) -> Any:
    """The module that writes the component ``name``. Raises: WrongInput: there is none."""
    known = writers(package)
    if name not in known:
        raise cannot(f"{where}: `{name}`", f"what can: {', '.join(known)}")
    return importlib.import_module(f"{package}.{name}")


def require_defaults(spec: BaseModel, where: str, written: Collection[str]) -> None:
    """Refuses fields that are set but not ``written``, so that nothing is left out in silence. Raises: WrongInput."""
    found = []
    for name, field in type(spec).model_fields.items():
        value, default = getattr(spec, name), field.get_default(call_default_factory=True)
        if name not in written and name != "type" and value != default:
            path = f"{where}.{name}" if where else name
            hint = f"leave it out (`--set {path}={in_yaml(default)}` does so for this script alone)"
            said = in_yaml(value) if isinstance(value, BaseModel) else repr(value)
            found.append(cannot(f"{path}: {said}", hint))
    if found:
        raise together(found)


def in_yaml(value: Any) -> str:
    """A value as one writes it behind ``--set``."""
    if isinstance(value, BaseModel):
        settings = value.model_dump(mode="json", exclude_defaults=True)
        name = getattr(value, "type", None)
        return str(name) if name and not set(settings) - {"type"} else json.dumps(settings)
    plain = [] if value == () else value
    return plain if isinstance(plain, str) else json.dumps(plain, default=str)


def cannot(what: str, hint: str) -> WrongInput:
    return WrongInput(f"{what}{REFUSED}", hint)


def together(errors: Sequence[WrongInput]) -> WrongInput:
    """Several refusals as one."""
    if len(errors) == 1:
        return errors[0]
    whats = [error.message.removesuffix(REFUSED) for error in errors]
    hints = [f"{what}: {error.hint}" for what, error in zip(whats, errors, strict=True)]
    return cannot("; ".join(whats), "\n".join(hints))
