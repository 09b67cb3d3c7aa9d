"""Arrays in an .npz file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from kpipe.data.path import ExistingFile
from kpipe.data.source import Source
from kpipe.data.split_rule import GivenSplitRule, SplitName
from kpipe.signature import Kind, Target, Task
from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Tuple, refuse

if TYPE_CHECKING:
    import numpy as np

    from kpipe.data.preparation.learn import Part
    from kpipe.data.splits import Splits


class Npz(Source):
    """Arrays in a NumPy .npz file: x and y, or x_train, y_train, x_test, y_test, ...

    ``x`` of shape (n, features) are vectors; (n, height, width) and (n, height, width, channels) are images, kept as
    uint8 where they are whole numbers in 0..255 and as float32 elsewhere. ``y`` are classes when they are words or
    whole numbers (named by themselves, or by ``classes``), or when each row is one-hot; labels when rows are 0/1;
    values when they are floats; ``target_task`` says otherwise. ``x_validation`` may also be called ``x_val``; splits
    that are not there are cut off train. Python objects (pickle) are never loaded.

    Shapes:
        (n, features) -> vector (features,) float32
        (n, height, width[, channels]) -> image (height, width, channels) uint8 or float32

    Raises:
        DataError: not a NumPy file, an array is not there or of another length or kind, NaN or infinite numbers, a
        class that train does not have.

    Example:
        data:
          type: npz
          path: data/mnist.npz
          classes: [zero, one, two, three, four, five, six, seven, eight, nine]

    Reference:
        Harris et al., 2020, Array programming with NumPy.
    """

    type: Literal["npz"] = "npz"

    path: ExistingFile = Field(description="the .npz file")
    input_key: str = Field("x", min_length=1, description="name of the input array, before _train, _test")
    target_key: str = Field("y", min_length=1, description="name of the target array, before _train, _test")
    classes: Tuple[str] = Field((), description="the classes' names in order, when y holds their positions")
    target_task: Task | None = Field(None, description="what y is; by default as its numbers tell")
    split: GivenSplitRule = Field(GivenSplitRule(), description="given splits by name, the others by fraction")

    @property
    def task(self) -> Task | None:
        return "classes" if self.classes else self.target_task

    @model_validator(mode="after")
    def _classes_are_classes(self) -> Npz:
        if self.classes and self.target_task in ("labels", "values"):
            raise refuse(
                Problem(
                    ("target_task",),
                    f"{self.target_task} have no classes, but `classes` names some",
                    "remove `classes`, or `target_task`",
                )
            )
        return self

    def load(self, seed: int) -> Splits:
        from kpipe.data.preparation.image import Image
        from kpipe.data.preparation.learn import Part, learn
        from kpipe.data.preparation.split import divide
        from kpipe.data.preparation.targets import infer_task, target_of
        from kpipe.data.preparation.vector import Vector

        path = Path(self.path)
        given = self._given(path)
        train = given["train"]
        task = self.task or infer_task(train.targets, f"{path}: {self.target_key}")
        target = target_of(train.targets, task, self.classes)
        encoded = {
            name: Part(part.inputs, self._encode(part.targets, target, f"{path}: {self.target_key} of {name}"))
            for name, part in given.items()
        }
        kind: Kind = "vector" if train.inputs.ndim == 2 else "image"
        preparation = (
            Vector(size=train.inputs.shape[1], target=target, input_key=self.input_key, target_key=self.target_key)
            if kind == "vector"
            else Image(
                shape=train.inputs.shape[1:],
                dtype="uint8" if train.inputs.dtype.name == "uint8" else "float32",
                target=target,
                input_key=self.input_key,
                target_key=self.target_key,
            )
        )
        parts = divide(encoded, self.split, seed, task)
        return learn(parts, kind, target, preparation, f"npz {path.name}")

    def _encode(self, raw: np.ndarray, target: Target, where: str) -> np.ndarray:
        from kpipe.data.preparation.targets import encode, encode_positions, flat

        if self.classes and raw.dtype.kind in "biu":
            return encode_positions(flat(raw), target, where)
        return encode(raw, target, where)

    def _given(self, path: Path) -> dict[SplitName, Part]:
        """Inputs ready, targets raw."""
        import numpy as np

        from kpipe.data.preparation import arrays
        from kpipe.data.preparation.learn import Part
        from kpipe.data.preparation.split import given_names
        from kpipe.data.preparation.targets import plain
        from kpipe.errors import DataError

        held = arrays.read_npz(path)
        prefix = f"{self.input_key}_"
        available = [name.removeprefix(prefix) for name in held if name.startswith(prefix)]
        names = given_names(self.split, available, str(path))
        suffixes: dict[SplitName, str] = {split: f"_{name}" for split, name in names.items()} or {"train": ""}
        parts: dict[SplitName, Part] = {}
        for split, suffix in suffixes.items():
            input_key, target_key = self.input_key + suffix, self.target_key + suffix
            inputs = arrays.as_input(arrays.pick(held, input_key, path), f"{path}: {input_key}")
            targets = plain(np.atleast_1d(arrays.pick(held, target_key, path)), f"{path}: {target_key}")
            arrays.check_lengths(path, {input_key: inputs, target_key: targets})
            parts[split] = Part(inputs, targets)
        shapes = {f"{part.inputs.shape[1:]} {part.inputs.dtype}" for part in parts.values()}
        if len(shapes) > 1:
            raise DataError(f"{path}: the splits differ in shape or dtype: {', '.join(sorted(shapes))}")
        return parts
