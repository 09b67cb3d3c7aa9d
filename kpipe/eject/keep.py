"""Keep: the script as a file."""

from __future__ import annotations

import sys
from pathlib import Path

from kpipe.eject.story import PACKAGES
from kpipe.errors import WrongInput


def require_writable(path: Path) -> None:
    """Raises: WrongInput: no script can be called so. It is told before a pipeline is read, and its data."""
    if path.is_dir():
        raise WrongInput(f"{path} is a folder", "name a file in it")
    if not path.parent.is_dir():
        raise WrongInput(f"{path}: no such folder", f"make {path.parent} first")
    if path.stem in {*sys.stdlib_module_names, *PACKAGES, "keras"}:
        raise WrongInput(f"{path} would be imported in the place of `{path.stem}`", "choose another name")
    if path.exists():
        raise exists(path)


def exists(path: Path) -> WrongInput:
    return WrongInput(f"{path} exists already", "choose another name, or remove it first")


def keep(script: str, path: Path) -> None:
    """Writes a new file. Raises: WrongInput: there is one of that name, or it cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            try:
                stream.write(script)
                stream.flush()
            except OSError:
                path.unlink(missing_ok=True)  # half a script is none
                raise
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise WrongInput(f"{path} cannot be written: {(error.strerror or '').lower()}") from None
