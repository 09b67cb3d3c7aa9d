"""Section: a part of the script, who writes it, and the refusal of what nobody can write."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from kpipe.errors import WrongInput


@dataclass(frozen=True)
class Section:
    """Lines of code, with the imports and the constants at the top that they use."""

    code: str
    imports: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()


def writers(package: str) -> tuple[str, ...]:
    """The components that a folder has a file for: ``kpipe.eject.data -> ("sklearn",)``."""
    folder = importlib.import_module(package)
    return tuple(sorted(module.name for module in pkgutil.iter_modules(folder.__path__)))


def writer_of(package: str, where: str, name: str) -> Any:
    """The module that writes the component ``name``. Raises: WrongInput: there is none."""
    known = writers(package)
    if name not in known:
        raise cannot(f"{where}: `{name}`", f"what can: {', '.join(known)}")
    return importlib.import_module(f"{package}.{name}")


def require_defaults(spec: BaseModel, where: str, written: Collection[str]) -> None:
    """Refuses a field that is set but not ``written``, so that nothing is left out in silence. Raises: WrongInput."""
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        if name not in written and name != "type" and value != field.get_default(call_default_factory=True):
            path = f"{where}.{name}" if where else name
            raise cannot(f"{path}: {value!r}", f"leave it out (`--set {path}=...` changes it for this script alone)")


def cannot(what: str, hint: str) -> WrongInput:
    return WrongInput(f"{what} cannot be ejected yet: no script was written", hint)
