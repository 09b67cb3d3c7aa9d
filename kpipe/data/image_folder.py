"""Images in folders, one folder per class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from kpipe.data.path import ExistingFolder
from kpipe.data.source import ImageSize, Source
from kpipe.data.split_rule import GivenSplitRule, SplitName
from kpipe.signature import Kind, Task

if TYPE_CHECKING:
    from kpipe.data.preparation.learn import Part
    from kpipe.data.preparation.pictures import Unreadable
    from kpipe.data.splits import Splits


class ImageFolder(Source):
    """PNG and JPEG images in a folder per class, in train, validation and test folders or without them.

    ``path/cat/1.png`` is an image of the class ``cat``; with given splits it is ``path/train/cat/1.png``. A split
    whose folder is not there is cut off train. Folders within a class folder belong to that class. Images of another
    size than ``image_size`` are resized (bilinear, antialiased), turned upright by their EXIF tag, transparency lies on
    white, 16-bit grey keeps its high byte. Hidden files are left out; any other file that is no readable PNG or JPEG
    image, or has more than 64 million pixels, is an error. What takes more than 64 MB as an array is decoded
    once into a file in the user's cache folder, and read from there batch by batch.

    Shapes:
        image (height, width, 3) uint8, or (height, width, 1) for grayscale -> class

    Raises:
        DataError: unreadable files (each named), no class folders, a class without images in train, sizes that
        differ while no ``image_size`` is given.

    Example:
        data:
          type: image_folder
          path: data/flowers
          image_size: [96, 96]
          on_error: skip
    """

    type: Literal["image_folder"] = "image_folder"

    path: ExistingFolder = Field(description="the folder that holds the class folders, or the splits")
    image_size: ImageSize | None = Field(None, description="height and width in pixels; by default that of the images")
    color_mode: Literal["rgb", "grayscale"] = Field("rgb", description="three channels, or one")
    on_error: Literal["fail", "skip"] = Field("fail", description="what happens when a file is not readable")
    split: GivenSplitRule = Field(GivenSplitRule(), description="given splits by name, the others by fraction")

    @property
    def kind(self) -> Kind:
        return "image"

    @property
    def task(self) -> Task:
        return "classes"

    def load(self, seed: int) -> Splits:
        from kpipe.data.preparation.image import Image
        from kpipe.data.preparation.learn import Part, learn
        from kpipe.data.preparation.split import divide
        from kpipe.data.preparation.targets import encode, target_of

        given, skipped = self._given()
        target = target_of(given["train"].targets, "classes")
        encoded = {
            name: Part(part.inputs, encode(part.targets, target, f"{self.path}: {name}"))
            for name, part in given.items()
        }
        parts = divide(encoded, self.split, seed, "classes")
        preparation = Image(shape=parts["train"].inputs.shape[1:], target=target)
        return learn(parts, "image", target, preparation, f"image_folder {Path(self.path).name}", skipped=skipped)

    def _given(self) -> tuple[dict[SplitName, Part], tuple[str, ...]]:
        """Images decoded, targets as class names; and the files skipped."""
        import numpy as np

        from kpipe.data.preparation.decoded import decoded
        from kpipe.data.preparation.learn import Part
        from kpipe.data.preparation.stored import some

        listed = {split: files_by_class(folder) for split, folder in self._folders().items()}
        files = [file for pairs in listed.values() for file, _ in pairs]
        size = (self.image_size[0], self.image_size[1]) if self.image_size else None
        images, unreadable = decoded(files, size, 3 if self.color_mode == "rgb" else 1, Path(self.path).name)
        if unreadable and self.on_error == "fail":
            refuse_unreadable(unreadable, len(files))
        bad = {problem.file for problem in unreadable}
        parts: dict[SplitName, Part] = {}
        start = 0
        for split, pairs in listed.items():
            names = np.array([name for file, name in pairs if file not in bad])
            parts[split] = Part(some(images, slice(start, start + len(names))), names)
            start += len(names)
        return parts, tuple(f"{problem.file}: {problem.why}" for problem in unreadable)

    def _folders(self) -> dict[SplitName, Path]:
        """The folder of each given split; that of train alone when the class folders are not in splits."""
        from kpipe.data.preparation.pictures import subfolders
        from kpipe.data.preparation.split import given_names
        from kpipe.errors import DataError

        root = Path(self.path)
        if not root.is_dir():
            raise DataError(f"no folder `{root}`")
        available = [entry.name for entry in subfolders(root) if subfolders(entry)]
        names = given_names(self.split, available, self.path)
        return {split: root / name for split, name in names.items()} or {"train": root}


def files_by_class(folder: Path) -> list[tuple[Path, str]]:
    """Each file with its class. Raises: DataError: images outside a class folder, a class folder without files."""
    from kpipe.data.preparation.pictures import SUFFIXES, files_in, subfolders
    from kpipe.errors import DataError

    classes = {entry.name: files_in(entry) for entry in subfolders(folder)}
    loose = sorted(entry.name for entry in folder.iterdir() if entry.is_file() and entry.suffix.lower() in SUFFIXES)
    if loose or not classes:
        lies = (
            f"{len(loose)} images lie outside a class folder, the first is {loose[0]}" if loose else "no class folders"
        )
        raise DataError(f"{folder}: {lies}", "put the images of each class into a folder with the class's name")
    for name, files in classes.items():
        if not files:
            raise DataError(f"{folder / name}: class folder without images", "add images, or remove the folder")
    return [(file, name) for name, files in classes.items() for file in files]


def refuse_unreadable(unreadable: list[Unreadable], count: int) -> None:
    from kpipe.errors import DataError

    shown = "\n".join(f"  {problem.file}: {problem.why}" for problem in unreadable[:20])
    more = f"\n  and {len(unreadable) - 20} more" if len(unreadable) > 20 else ""
    raise DataError(
        f"{len(unreadable)} of {count} files are not readable as PNG or JPEG images:\n{shown}{more}",
        "mend or remove them, or set `on_error: skip` to go on without them",
    )
