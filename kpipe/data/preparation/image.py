"""Image preparation: image files and arrays become images of the model's size and colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from kpipe.data.preparation import arrays, pictures
from kpipe.data.preparation.preparation import Examples, Preparation
from kpipe.data.preparation.targets import encode
from kpipe.errors import DataError
from kpipe.spec.spec import Tuple

if TYPE_CHECKING:
    import pandas as pd

    from kpipe.data.splits import Batch


class Image(Preparation):
    """PNG and JPEG files, folders of them, and .npy and .npz arrays as images of the model's size.

    A model trained on uint8 images takes the scale 0..255. Files are decoded as ``image_folder`` decodes them:
    upright by EXIF, transparency on white, in the model's colours and size. Nothing is inverted: a digit drawn dark
    on light is not what a model trained on light digits has seen. Arrays must hold whole numbers in 0..255; they are
    resized and recoloured like files. A model trained on float32 images takes only arrays of its very shape, as the
    scale of such numbers is known to nobody but their owner.

    A folder whose sub-folders are named after classes gives targets too, so does the target array of an .npz file.

    Shapes:
        (n, height, width) or (n, height, width, channels) -> (n, *shape)

    Raises:
        DataError: a file cannot be read, an array has another scale or shape.

    Example:
        type: image
        shape: [28, 28, 1]
        target: {task: classes, names: ["0", "1"]}
    """

    type: Literal["image"] = "image"
    example: ClassVar[dict[str, Any]] = {"shape": [8, 8, 1], "target": {"task": "classes", "names": ["a", "b"]}}

    shape: Tuple[int] = Field(
        min_length=3, max_length=3, description="height, width and channels of the model's images"
    )
    dtype: Literal["uint8", "float32"] = Field("uint8", description="the dtype of the images trained on")
    input_key: str = Field("x", description="name of the input array in an .npz file")
    target_key: str = Field("y", description="name of the target array in an .npz file")

    def prepare(self, raw: np.ndarray | pd.DataFrame | Sequence[Any]) -> Batch:
        return {"image": self._from_array(np.asarray(raw), "input")}

    def read_one(self, path: Path) -> Examples:
        if path.is_dir():
            return self._read_folder(path)
        if not path.exists():
            raise DataError(f"no file or folder `{path}`")
        if path.suffix in (".npy", ".npz"):
            keys = (self.input_key, self.target_key)
            return arrays.read_examples(path, "image", self.target, self._from_array, keys)
        return self._read_files([path])

    def _read_folder(self, folder: Path) -> Examples:
        classes = [entry for entry in pictures.subfolders(folder) if pictures.files_in(entry)]
        known = [entry for entry in classes if entry.name in self.target.names]
        if self.target.task != "classes" or not known:
            return self._read_files(pictures.files_in(folder))
        if len(known) < len(classes):
            unknown = next(entry for entry in classes if entry not in known)
            raise DataError(f"{unknown}: no class of that name", f"the classes are {', '.join(self.target.names)}")
        files = [(file, entry.name) for entry in classes for file in pictures.files_in(entry)]
        read = self._read_files([file for file, _ in files])
        targets = encode(np.array([name for _, name in files]), self.target, str(folder))
        return Examples(read.names, read.inputs, targets)

    def _read_files(self, files: Sequence[Path]) -> Examples:
        height, width, channels = self.shape
        if not files:
            return Examples((), {"image": np.zeros((0, *self.shape), dtype=self.dtype)})
        if self.dtype != "uint8" or channels not in (1, 3):
            raise DataError(
                f"{files[0]}: this model was trained on arrays of {self.dtype} with {channels} channels, "
                "not on image files",
                "give an .npy file of the same scale and shape",
            )
        images, unreadable = pictures.decode_all(files, (height, width), channels)
        if unreadable:
            raise DataError("\n".join(f"{problem.file}: {problem.why}" for problem in unreadable[:10]))
        return Examples(tuple(str(file) for file in files), {"image": images})

    def _from_array(self, raw: np.ndarray, where: str) -> np.ndarray:
        if raw.ndim not in (3, 4):
            raise DataError(
                f"{where}: shape {raw.shape}, expected (n, height, width) or (n, height, width, channels)",
                "one image becomes an array of one by array[None]",
            )
        images = arrays.as_input(raw, where)
        if self.dtype == "float32":
            if images.shape[1:] != self.shape:
                raise DataError(f"{where}: images of {images.shape[1:]}, the model was trained on {self.shape}")
            return images.astype(np.float32, copy=False)
        if images.dtype != np.uint8:
            images = whole(images, where)
        if images.shape[1:] == self.shape:
            return images
        return self._fitted(images, where)

    def _fitted(self, images: np.ndarray, where: str) -> np.ndarray:
        from PIL import Image as Picture

        height, width, channels = self.shape
        if images.shape[3] not in (1, 3) or channels not in (1, 3):
            raise DataError(f"{where}: images of {images.shape[1:]}, the model was trained on {self.shape}")
        squeezed = images[..., 0] if images.shape[3] == 1 else images
        fitted = [pictures.fit(Picture.fromarray(image), (height, width), channels) for image in squeezed]
        return np.stack(fitted) if fitted else np.zeros((0, *self.shape), dtype=np.uint8)


def whole(images: np.ndarray, where: str) -> np.ndarray:
    """Float images as uint8. Raises: DataError: their scale is not 0..255 in whole numbers."""
    if not len(images):
        return images.astype(np.uint8)
    low, high = float(images.min()), float(images.max())
    if low < 0 or high > 255 or not (np.rint(images) == images).all():
        raise DataError(
            f"{where}: numbers from {low:g} to {high:g}; the model was trained on whole numbers in 0..255",
            "images in 0..1: (255 * array).round().astype('uint8')",
        )
    return images.astype(np.uint8)
