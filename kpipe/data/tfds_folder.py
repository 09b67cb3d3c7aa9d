"""Where TensorFlow Datasets keeps what it has prepared; looked up without it, as it would try the network."""

from __future__ import annotations

import os
import re
from pathlib import Path

from kpipe.errors import DataError
from kpipe.spec.mistake import nearest

VERSION = re.compile(r"\d+\.\d+\.\d+")


def find(name: str, version: str | None, data_dir: str | None) -> Path:
    """The folder of a prepared version, the latest by default. Raises: DataError: with the command that prepares it."""
    root = Path(data_dir or os.environ.get("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets").expanduser()
    base = root / name
    versions = prepared_versions(base)
    if version is not None and version in versions:
        return base / version
    if version is None and versions:
        return base / versions[-1]
    if versions:
        raise DataError(f"tfds: {name} is not prepared in version {version} in {root}; it is in {', '.join(versions)}")
    if base.is_dir() and (configs := [entry.name for entry in sorted(base.iterdir()) if prepared_versions(entry)]):
        raise DataError(
            f"tfds: {name} has several configs", f"write one of {', '.join(f'{name}/{c}' for c in configs)}"
        )
    raise DataError(f"tfds: nothing is prepared under the name `{name}` in {root}", how_to_prepare(name, version, root))


def prepared_versions(folder: Path) -> list[str]:
    """The versions whose description is there, oldest first."""
    if not folder.is_dir():
        return []
    found = [
        entry.name
        for entry in folder.iterdir()
        if VERSION.fullmatch(entry.name)
        and (entry / "dataset_info.json").is_file()
        and (entry / "features.json").is_file()
    ]
    return sorted(found, key=lambda version: [int(number) for number in version.split(".")])


def how_to_prepare(name: str, version: str | None, root: Path) -> str:
    """What to run, and which prepared data set is called nearly so."""
    others = sorted(entry.name for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
    near = nearest(name, others)
    mistyped = f"did you mean `{near}`? " if near else ""
    wanted = name if version is None else f"{name}:{version}"
    return (
        f"{mistyped}prepare it once, with network access: "
        f'python -c "import tensorflow_datasets as tfds; '
        f"tfds.builder('{wanted}', data_dir='{root}').download_and_prepare()\"\n"
        "or point `data_dir`, or TFDS_DATA_DIR, to the folder it is in"
    )
