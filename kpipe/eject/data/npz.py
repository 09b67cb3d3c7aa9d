"""Arrays in an .npz file as code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe.data.npz import Npz
from kpipe.data.preparation.arrays import read_npz
from kpipe.data.preparation.split import given_names
from kpipe.data.split_rule import SplitName
from kpipe.eject.data.preparation import rows
from kpipe.eject.data.preparation.targets import written
from kpipe.eject.section import Section, require_defaults
from kpipe.eject.words import assigned, literal, path_of

if TYPE_CHECKING:
    from kpipe.data.splits import Splits


def check(source: Npz) -> None:
    """All of its settings can be written."""
    used = ("path", "input_key", "target_key", "classes", "target_task", "split", "batch_size")
    require_defaults(source, "data", used)


def write(source: Npz, splits: Splits) -> Section:
    """Arrays ``x_train, y_train, ...``, the same rows in the same order. Raises: WrongInput."""
    rows.require_each_class(splits)
    held = read_npz(Path(source.path))
    given = given_of(source, held)
    task = splits.signature.target.task
    x, y = splits.signature.input.kind + "s", "values" if task == "values" else "labels"
    lines = [f"with np.load({path_of(source.path)}) as file:", "    held = dict(file)", ""]
    later: list[str] = []
    for name, suffix in given.items():
        lacks = name == "train" and len(given) < 3
        keys = [source.input_key + suffix, source.target_key + suffix]
        found = [held[key] for key in keys]
        array, labels = (f"held[{literal(key)}]" for key in keys)
        inputs = f"{array}{input_of(found[0], splits)}"
        answers = written(found[1], splits.signature.target, labels, bool(source.classes))
        each = [
            f"{x if lacks else f'x_{name}'} = {inputs}  # {literal((len(found[0]), *splits.signature.input.shape))}",
            f"{y if lacks else f'y_{name}'} = {answers}",
        ]
        (lines if lacks else later).extend(each)
    constants = [assigned("CLASSES", splits.signature.target.names)] * (task == "classes")
    if lacking := [name for name in rows.BOTH if name not in given]:
        cut = rows.cut(splits, source.split.stratified, f"len({y if task == 'classes' else x})", lacking)
        lines += ["", cut.code, "", rows.taken(x, y, ("train", *lacking))]
        constants += cut.constants
    return Section("\n".join([*lines, *later]), (), tuple(constants))


def given_of(source: Npz, held: Mapping[str, Any]) -> dict[SplitName, str]:
    """The splits that the file has, with what stands behind the arrays' names; nothing behind those of one alone."""
    prefix = f"{source.input_key}_"
    available = [name.removeprefix(prefix) for name in held if name.startswith(prefix)]
    names = given_names(source.split, available, source.path)
    return {split: f"_{name}" for split, name in names.items()} or {"train": ""}


def input_of(array: Any, splits: Splits) -> str:
    """What makes an array of the file what the network takes."""
    dtype = splits.signature.input.dtype
    axis = "[..., None]" if array.ndim == 3 else ""
    return axis if array.dtype.name == dtype else f'{axis}.astype("{dtype}")'
