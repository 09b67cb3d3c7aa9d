"""Data sets prepared by TensorFlow Datasets as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.data.preparation.split import given_names
from kpipe.data.tfds import Tfds
from kpipe.data.tfds_dataset import Dataset
from kpipe.data.tfds_folder import find
from kpipe.eject.data.preparation import rows
from kpipe.eject.section import Section, require_defaults
from kpipe.eject.words import assigned, call, literal, path_of

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

OPEN = """if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
    tf.config.set_visible_devices([], "GPU")  # TensorFlow only reads here
builder = tfds.builder_from_directory({folder})


{resized}def read(part):
    \"\"\"The {inputs} of a split, in the order of the files, and their classes.\"\"\"
"""

RESIZED = """def resized(image):
    picture = Image.fromarray(image{flat})
    return np.asarray(picture.resize({size}, Image.Resampling.BILINEAR)){grey}


"""

TOGETHER = """    found = tfds.as_numpy(data)
    return {inputs}{made}, found[{target}].astype("int32")
"""

ONE_BY_ONE = """    found = [(example[{input}], example[{target}]) for example in {data}]
    return {inputs}{made}, np.array([label for _, label in found], "int32")
"""


def check(source: Tfds) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    used = ("name", "version", "data_dir", "input", "target", "image_size", "split", "batch_size")
    require_defaults(source, "data", used)


def write(source: Tfds, splits: Splits) -> Section:
    """Arrays ``x_train, y_train, ...``, the same examples in the same order. Raises: WrongInput."""
    rows.require_each_class(splits)
    rows.require_room(splits)
    folder, feature = find(source.name, source.version, source.data_dir), splits.signature.input
    size = (source.image_size[0], source.image_size[1]) if source.image_size else None
    dataset = Dataset.open(folder, source.input, source.target, size)
    x = "images" if feature.kind == "image" else "vectors"
    resized = ""
    if size:
        grey = feature.sides[2] == 1
        resized = RESIZED.format(flat="[..., 0]" * grey, size=literal(size[::-1]), grey="[..., None]" * grey)
    opened = OPEN.format(folder=path_of(str(folder)), inputs=x, resized=resized)
    code = opened + reading(dataset, splits).rstrip("\n") + "\n\n\n"
    given = given_names(source.split, dataset.splits, folder.name)
    lacking = [name for name in rows.BOTH if name not in given]
    constants, lines = [assigned("CLASSES", dataset.classes)], []
    for name, part in given.items():
        lacks = name == "train" and lacking
        lines.append(f"{f'{x}, labels' if lacks else f'x_{name}, y_{name}'} = read({literal(part)})")
    if lacking:
        cut = rows.cut(splits, source.split.stratified, "len(labels)", lacking)
        lines += ["", cut.code, "", rows.taken(x, "labels", ("train", *lacking))]
        constants += cut.constants
    imports = ["import os", "import tensorflow as tf", "import tensorflow_datasets as tfds"]
    imports += ["from PIL import Image"] * bool(size)
    return Section(code + "\n".join(lines), tuple(imports), tuple(constants))


def reading(dataset: Dataset, splits: Splits) -> str:
    """The lines that read a split: at once, but one by one what lies in ArrayRecord files or is of varying size."""
    import tensorflow_datasets as tfds

    info, feature = dataset.builder.info, splits.signature.input
    held, given, target = info.features[dataset.input], literal(dataset.input), literal(dataset.target)
    made = "[..., None]" * (feature.kind == "image" and len(held.shape) == 2)
    made += "" if dataset.size or held.np_dtype == feature.dtype else f'.astype("{feature.dtype}")'
    before, arguments = "data = builder.as_dataset", ["split=part"]
    arrays = info.file_format is tfds.core.FileFormat.ARRAY_RECORD
    together = not arrays and None not in held.shape
    if len(info.features) > 2:
        arguments.append(f"decoders=tfds.decode.PartialDecoding({{{given}: True, {target}: True}})")
    if arrays:
        before = "data = builder.as_data_source"
    else:
        arguments.append("read_config=tfds.ReadConfig(interleave_cycle_length=1)")
    inputs = f"found[{given}]" if together else "np.stack([image for image, _ in found])"
    if dataset.size:
        inputs = inputs.replace("[image for", "[resized(image) for")
        inputs = f"np.stack([resized(image) for image in {inputs}])" if together else inputs
    lines = call(before, arguments + ["batch_size=-1"] * together, indent=4) + "\n"
    if together:
        return lines + TOGETHER.format(inputs=inputs, made=made, target=target)
    data = "data" if arrays else "tfds.as_numpy(data)"
    return lines + ONE_BY_ONE.format(input=given, target=target, data=data, inputs=inputs, made=made)
