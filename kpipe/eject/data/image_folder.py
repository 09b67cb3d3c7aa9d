"""Pictures in folders as code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kpipe.data.image_folder import ImageFolder, files_by_class
from kpipe.data.preparation.pictures import SUFFIXES
from kpipe.data.split_rule import SplitName
from kpipe.eject.data.preparation import rows
from kpipe.eject.section import Section, require_defaults
from kpipe.eject.words import assigned, literal, path_of, place_of

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

READ = '''
def read(folder):
    """The pictures in the folders of all classes, in the order of their names, and their classes."""
    files = [
        (file, label)
        for label, name in enumerate(CLASSES)
        for file in sorted(pathlib.Path(folder, name).rglob("*"), key=str)
        if file.suffix.lower() in (".png", ".jpg", ".jpeg"){skipped}
    ]
    return np.stack([decode(file) for file, _ in files]), np.array([label for _, label in files], "int32")


def decode(file):
    with Image.open(file) as picture:
        upright = ImageOps.exif_transpose(picture).convert("{mode}")
    return {array}  # {shape}


'''


def check(source: ImageFolder) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    require_defaults(source, "data", ("path", "image_size", "color_mode", "on_error", "split", "batch_size"))


def write(source: ImageFolder, splits: Splits) -> Section:
    """Arrays ``x_train, y_train, ...``, the same pictures in the same order. Raises: WrongInput."""
    rows.require_each_class(splits)
    rows.require_room(splits)
    shape = splits.signature.input.sides
    array = "np.asarray(upright)" + "[..., None]" * (shape[2] == 1)
    if source.image_size:
        array = array.replace("upright", f"upright.resize({literal(shape[1::-1])}, Image.Resampling.BILINEAR)")
    given = source._folders()
    skipped = skipped_in(splits, given)
    but = " and file.as_posix() not in SKIPPED" * bool(skipped)
    code = READ.format(mode="L" if shape[2] == 1 else "RGB", array=array, shape=literal(shape), skipped=but)
    lacking = [name for name in rows.BOTH if name not in given]
    constants = [assigned("CLASSES", splits.signature.target.names)]
    constants += [assigned("SKIPPED", skipped)] * bool(skipped)
    lines = []
    for name, folder in given.items():
        lacks = name == "train" and lacking
        lines.append(f"{'images, labels' if lacks else f'x_{name}, y_{name}'} = read({path_of(str(folder))})")
    if lacking:
        cut = rows.cut(splits, source.split.stratified, "len(labels)", lacking)
        lines += ["", cut.code, "", rows.taken("images", "labels", ("train", *lacking))]
        constants += cut.constants
    return Section(code + "\n".join(lines), ("import pathlib", "from PIL import Image, ImageOps"), tuple(constants))


def skipped_in(splits: Splits, folders: Mapping[SplitName, Path]) -> list[str]:
    """The files that look like pictures and are none."""
    files = [file for folder in folders.values() for file, _ in files_by_class(folder)]
    bad = [file for file in files if any(line.startswith(f"{file}: ") for line in splits.skipped)]
    return [place_of(str(file)) for file in bad if file.suffix.lower() in SUFFIXES]
