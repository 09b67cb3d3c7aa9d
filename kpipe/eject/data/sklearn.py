"""The small data sets of scikit-learn as code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpipe.data.sklearn import Sklearn
from kpipe.eject import rows
from kpipe.eject.section import Section, cannot, require_defaults
from kpipe.eject.words import literal

if TYPE_CHECKING:
    import numpy as np

    from kpipe.data.splits import Splits

IMAGES = """{x} = np.rint({name}.images[..., None] * (255 / 16)).astype("uint8")  # {shape}: 0..16 becomes 0..255"""
VECTORS = """{x} = {name}.data.astype("float32")  # {shape}"""


def check(source: Sklearn) -> None:
    """All of its data sets can be written."""


def write(source: Sklearn, splits: Splits) -> Section:
    """Arrays ``x_train, y_train, ...``, the same rows in the same order. Raises: WrongInput."""
    require_defaults(source, "data", ("dataset", "split", "batch_size"))
    name, target = source.dataset, splits.signature.target
    held = [y_of(splits, part) for part in ("train", "validation", "test")]
    total = sum(map(len, held))
    names = {
        "name": name,
        "x": "images" if source.kind == "image" else "features",
        "y": "labels" if target.task == "classes" else "values",
    }
    lines = [f"{name} = sklearn.datasets.load_{name}()"]
    shape = literal((total, *splits.signature.input.shape))
    lines.append((IMAGES if source.kind == "image" else VECTORS).format(shape=shape, **names))
    constants = []
    if target.task == "classes":
        lines.append(f'labels = {name}.target.astype("int32")')
        counts = {
            part: each.tolist()
            for part, each in zip(("VALIDATION", "TEST"), counts_of(held[1:], target.size), strict=True)
        }
        if 0 in counts["TEST"]:
            raise cannot("a test split without an example of each class", "make `data.split.test` larger")
        constants.append(f"CLASSES = {literal([*target.names])}")
    else:
        lines.append(f'values = {name}.target.astype("float32")[:, None]')
    if target.task == "classes" and source.split.stratified:
        constants += [f"{part}_OF_EACH_CLASS = {literal(each)}" for part, each in counts.items()]
        lines.append(rows.STRATIFIED.rstrip("\n"))
    else:
        constants.append(rows.sizes(len(held[1]), len(held[2])))
        lines.append(rows.AT_RANDOM.rstrip("\n").format(**names))
    lines.append(rows.SPLITS.rstrip("\n").format(**names))
    return Section("\n".join(lines), ("import sklearn.datasets",), tuple(constants))


def y_of(splits: Splits, part: str) -> np.ndarray:
    import numpy as np

    split = splits.named(part)
    return np.asarray(split.take(np.arange(len(split)))[splits.signature.target.name])


def counts_of(parts: list[Any], classes: int) -> list[np.ndarray]:
    import numpy as np

    return [np.bincount(part, minlength=classes) for part in parts]
