"""Paths in a pipeline: what they point at must be there, and they are kept absolute."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

from kpipe.spec.mistake import Problem, nearest
from kpipe.spec.spec import refuse

ELSEWHERE = {"data_elsewhere": True}
"""The validation context for a pipeline that is only used to rebuild its model: its data need not be here."""


def existing_file(text: str, info: ValidationInfo) -> str:
    return existing(text, info, wanted="file")


def existing_folder(text: str, info: ValidationInfo) -> str:
    return existing(text, info, wanted="folder")


def existing_path(text: str, info: ValidationInfo) -> str:
    return existing(text, info, wanted="file or folder")


def existing(text: str, info: ValidationInfo, wanted: str) -> str:
    """``text`` as an absolute path of a file or folder that exists, or a refusal with the nearest name beside it."""
    path = Path(os.path.normpath(Path(text).expanduser().absolute()))
    if info.context and info.context.get("data_elsewhere"):
        return str(path)
    if ("file" in wanted and path.is_file()) or ("folder" in wanted and path.is_dir()):
        return str(path)
    if path.exists():
        raise refuse(Problem((), f"`{text}` is a {'folder' if path.is_dir() else 'file'}, expected a {wanted}"))
    folder = next(parent for parent in path.parents if parent.is_dir())
    missing = path.relative_to(folder).parts[0]
    near = nearest(missing, sorted(entry.name for entry in folder.iterdir())) if os.access(folder, os.R_OK) else None
    hint = f"{folder} has no `{missing}`" + (f", did you mean `{near}`?" if near else "; paths start where kpipe runs")
    raise refuse(Problem((), f"no {wanted} `{text}`", hint))


ExistingFile = Annotated[str, AfterValidator(existing_file)]
ExistingFolder = Annotated[str, AfterValidator(existing_folder)]
ExistingPath = Annotated[str, AfterValidator(existing_path)]
