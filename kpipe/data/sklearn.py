"""Small data sets that come with scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.data.source import Source
from kpipe.data.split_rule import SplitRule
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    from kpipe.data.splits import Splits


class Sklearn(Source):
    """A small data set bundled with scikit-learn: digits, iris, wine, breast_cancer or diabetes.

    ``digits`` are images of handwritten digits, light on dark. Their pixels are 0..16 in scikit-learn; here they are
    stretched to 0..255 (rounded), the range of a PNG file, so that an image file is predicted on the scale that
    the model was trained on. The other sets are vectors of float32, in their own units. ``diabetes`` has a number
    to predict, the others have classes.

    Shapes:
        digits: image (8, 8, 1) uint8 -> 10 classes
        iris: vector (4,) -> 3 classes
        wine: vector (13,) -> 3 classes
        breast_cancer: vector (30,) -> 2 classes
        diabetes: vector (10,) -> 1 value

    Raises:
        DataError: the fractions of ``split`` leave too few examples.

    Example:
        data:
          type: sklearn
          dataset: digits
          batch_size: 64

    Reference:
        Pedregosa et al., 2011, Scikit-learn: Machine Learning in Python.
    """

    type: Literal["sklearn"] = "sklearn"
    example: ClassVar[dict[str, str]] = {"dataset": "iris"}

    dataset: Literal["digits", "iris", "wine", "breast_cancer", "diabetes"] = Field(
        description="which of the bundled data sets"
    )
    split: SplitRule = Field(SplitRule(), description="fractions cut off for validation and test")

    @property
    def kind(self) -> Kind:
        return "image" if self.dataset == "digits" else "vector"

    @property
    def task(self) -> Task:
        return "values" if self.dataset == "diabetes" else "classes"

    def load(self, seed: int) -> Splits:
        import numpy as np
        import sklearn.datasets

        from kpipe.data.preparation.image import Image
        from kpipe.data.preparation.learn import Part, learn
        from kpipe.data.preparation.split import divide
        from kpipe.data.preparation.targets import encode, encode_positions, target_of
        from kpipe.data.preparation.vector import Vector

        bunch = getattr(sklearn.datasets, f"load_{self.dataset}")()
        names = ["progression"] if self.task == "values" else [str(name) for name in bunch.target_names]
        origin = f"sklearn {self.dataset}"
        target = target_of(bunch.target, self.task, names)
        encoded = (encode if self.task == "values" else encode_positions)(bunch.target, target, origin)
        if self.kind == "image":
            inputs = np.rint(bunch.images[..., None] * (255 / 16)).astype(np.uint8)
            columns: list[str] = []
            preparation: Image | Vector = Image(shape=inputs.shape[1:], target=target)
        else:
            inputs = bunch.data.astype(np.float32)
            columns = list(bunch.feature_names)
            preparation = Vector(size=inputs.shape[1], columns=tuple(columns), target=target)
        parts = divide({"train": Part(inputs, encoded)}, self.split, seed, self.task)
        return learn(parts, self.kind, target, preparation, origin, columns)
