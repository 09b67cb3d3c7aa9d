"""Starter: commented pipelines to begin with, one for each data source."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from kpipe.errors import WrongInput
from kpipe.spec.mistake import nearest

SCHEMA = "kpipe.schema.json"


def templates() -> dict[str, str]:
    """The templates by name, with the line that describes each: the first comment in it."""
    folder = files("kpipe") / "templates"
    texts = {Path(file.name).stem: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    return {name: text.splitlines()[0].removeprefix("# ") for name, text in sorted(texts.items())}


def write(template: str, path: Path) -> None:
    """Writes a starter pipeline whose first line tells editors where the schema is.

    Raises: WrongInput: no such template, the file exists already, or it cannot be written.
    """
    if template not in templates():
        near = nearest(template, templates())
        meant = f"did you mean `{near}`? " if near else ""
        raise WrongInput(f"no template `{template}`", f"{meant}one of: {', '.join(templates())}")
    text = (files("kpipe") / "templates" / f"{template}.yaml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(f"# yaml-language-server: $schema={schema_for(path)}\n{text}")
    except FileExistsError:
        raise WrongInput(f"{path} exists already", "choose another name, or remove it first") from None
    except OSError as error:
        raise WrongInput(f"{path} cannot be written: {(error.strerror or '').lower()}") from None


def schema_for(path: Path) -> str:
    """The schema seen from a file: the one in its folder or above, or the place where `kpipe schema` should put it."""
    folder = path.absolute().parent
    found = next((above for above in (folder, *folder.parents) if (above / SCHEMA).is_file()), folder)
    return Path(os.path.relpath(found / SCHEMA, folder)).as_posix()
