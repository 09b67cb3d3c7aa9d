"""The small data sets of scikit-learn as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.data.sklearn import Sklearn
from kpipe.eject.data.preparation import rows
from kpipe.eject.section import Section, require_defaults
from kpipe.eject.words import assigned, literal

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

IMAGES = """{x} = np.rint({name}.images[..., None] * (255 / 16)).astype("uint8")  # {shape}: 0..16 becomes 0..255"""
VECTORS = """{x} = {name}.data.astype("float32")  # {shape}"""


def check(source: Sklearn) -> None:
    """All of its data sets can be written."""


def write(source: Sklearn, splits: Splits) -> Section:
    """Arrays ``x_train, y_train, ...``, the same rows in the same order. Raises: WrongInput."""
    require_defaults(source, "data", ("dataset", "split", "batch_size"))
    name, target = source.dataset, splits.signature.target
    names = {
        "name": name,
        "x": "images" if source.kind == "image" else "features",
        "y": "labels" if target.task == "classes" else "values",
    }
    rows.require_each_class(splits)
    lines = [f"{name} = sklearn.datasets.load_{name}()"]
    shape = literal((sum(len(split) for _, split in splits), *splits.signature.input.shape))
    lines.append((IMAGES if source.kind == "image" else VECTORS).format(shape=shape, **names))
    constants = []
    if target.task == "classes":
        lines.append(f'labels = {name}.target.astype("int32")')
        constants.append(assigned("CLASSES", target.names))
    else:
        lines.append(f'values = {name}.target.astype("float32")[:, None]')
    cut = rows.cut(splits, source.split.stratified, f"len({names['x' if target.task == 'values' else 'y']})")
    lines += ["", cut.code, "", rows.taken(names["x"], names["y"])]
    return Section("\n".join(lines), ("import sklearn.datasets",), (*constants, *cut.constants))
