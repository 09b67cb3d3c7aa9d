"""Data sets prepared by TensorFlow Datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.data.path import ExistingFolder
from kpipe.data.source import ImageSize, Source
from kpipe.data.split_rule import GivenSplitRule, SplitName
from kpipe.errors import DataError
from kpipe.signature import Target, Task

if TYPE_CHECKING:
    from kpipe.data.splits import Splits


class Tfds(Source):
    """A data set that TensorFlow Datasets has prepared: images or vectors, and a class label.

    The prepared files (TFRecord or ArrayRecord) are read without network and decoded once to arrays, which are kept
    in the user's cache folder (XDG_CACHE_HOME, else ~/.cache) and used as long as the files stay the same; only that
    first reading needs TensorFlow, whatever the backend. More than 64 MB are never held in memory.
    Splits that the data set does not have are cut off train. Images stay uint8; those of varying size need
    ``image_size`` (bilinear, antialiased).

    Shapes:
        image (height, width, channels) uint8, or vector (features,) float32 -> class

    Raises:
        DataError: nothing is prepared under that name (the hint is the command that prepares it), no such feature or
        split, a label out of range, an empty split, a class that train does not have.
        MissingExtra: TensorFlow or TensorFlow Datasets is not installed.

    Example:
        data:
          type: tfds
          name: mnist
          split: {validation: 0.1}

    Reference:
        TensorFlow Datasets, a collection of ready-to-use datasets, https://www.tensorflow.org/datasets.
    """

    type: Literal["tfds"] = "tfds"
    example: ClassVar[dict[str, str]] = {"name": "mnist"}

    name: str = Field(
        pattern=r"^[a-z0-9_]+(/[A-Za-z0-9_.+-]+)?$",
        description="name of the data set, or name/config of one that has some",
    )
    version: str | None = Field(
        None, pattern=r"^\d+\.\d+\.\d+$", description="as 3.0.1; by default the latest that is prepared"
    )
    data_dir: ExistingFolder | None = Field(
        None, description="where it is prepared; by default TFDS_DATA_DIR, else ~/tensorflow_datasets"
    )
    input: str | None = Field(None, description="the feature that goes in; by default the only image or vector")
    target: str | None = Field(None, description="the feature to predict; by default the only class label")
    image_size: ImageSize | None = Field(None, description="height and width in pixels; by default that of the images")
    split: GivenSplitRule = Field(
        GivenSplitRule(), description="given splits by name (also as train[:80%]), the others by fraction"
    )

    @property
    def task(self) -> Task:
        return "classes"

    def load(self, seed: int) -> Splits:
        from kpipe.data.preparation.image import Image
        from kpipe.data.preparation.learn import Part, learn
        from kpipe.data.preparation.split import divide, given_names
        from kpipe.data.preparation.targets import encode_positions
        from kpipe.data.preparation.vector import Vector
        from kpipe.data.tfds_dataset import Dataset
        from kpipe.data.tfds_folder import find

        folder = find(self.name, self.version, self.data_dir)
        origin = f"tfds {self.name} {folder.name}"
        size = (self.image_size[0], self.image_size[1]) if self.image_size else None
        dataset = Dataset.open(folder, self.input, self.target, size)
        target = Target(task="classes", names=dataset.classes)
        given: dict[SplitName, Part] = {}
        for split, name in given_names(self.split, dataset.splits, origin).items():
            inputs, positions = dataset.split(name)
            given[split] = Part(inputs, encode_positions(positions, target, f"{origin}: {name}"))
        if not given:
            raise DataError(
                f"{origin}: no split called train; it has {', '.join(dataset.splits)}",
                "say which are which, as `split: {names: {train: ..., test: ...}}`",
            )
        parts = divide(given, self.split, seed, "classes")
        shape = parts["train"].inputs.shape[1:]
        preparation: Image | Vector
        if len(shape) == 1:
            preparation = Vector(size=shape[0], target=target)
        else:
            dtype: Literal["uint8", "float32"] = "uint8" if parts["train"].inputs.dtype.name == "uint8" else "float32"
            preparation = Image(shape=shape, dtype=dtype, target=target)
        return learn(parts, "vector" if len(shape) == 1 else "image", target, preparation, origin)
