"""A data set prepared by TensorFlow Datasets as arrays: decoded once, then kept in the cache folder."""

from __future__ import annotations

import importlib.util
import json
import logging
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe.backend import silenced
from kpipe.errors import DataError, MissingExtra
from kpipe.spec.mistake import nearest, printable

if TYPE_CHECKING:
    import numpy as np

    from kpipe.data.preparation.stored import Inputs

CLASS_KEYS = ("pythonClassName", "python_class_name", "type")
BATCH = 1024
"""Examples taken out of tf.data at a time."""
BATCH_BYTES = 2**22
"""Large ones are taken in smaller batches."""


@dataclass(frozen=True)
class Dataset:
    """The input and the class label of a prepared data set; nothing is read before ``split``."""

    builder: Any
    folder: Path
    input: str
    target: str
    size: tuple[int, int] | None

    @classmethod
    def open(cls, folder: Path, input: str | None, target: str | None, size: tuple[int, int] | None) -> Dataset:
        """Finds the two features. Raises: DataError: no such feature, or several. MissingExtra."""
        if importlib.util.find_spec("tensorflow_datasets") is None:
            raise MissingExtra(
                "the tfds source needs tensorflow-datasets", "pip install 'tensorflow-datasets[array-record]'"
            )
        import tensorflow_datasets as tfds

        check_features(folder / "features.json")
        builder = tfds.builder_from_directory(folder)
        features = dict(builder.info.features.items())
        labels = [name for name, feature in features.items() if isinstance(feature, tfds.features.ClassLabel)]
        inputs = [name for name, feature in features.items() if name not in labels and is_input(feature)]
        given = builder.info.supervised_keys or ()
        where = f"tfds {builder.info.name}"
        chosen = choose("input", input, inputs, given, features, where)
        found = cls(builder, folder, chosen, choose("target", target, labels, given, features, where), size)
        if size is None and None in features[chosen].shape:
            raise DataError(f"{where}: images of varying size {features[chosen].shape}", "set `image_size: [h, w]`")
        return found

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.builder.info.splits)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.builder.info.features[self.target].names)

    def split(self, name: str) -> tuple[Inputs, np.ndarray]:
        """Inputs (n, ...) uint8 or float32 and class positions (n,) of a split, from the cache where they are there.

        Raises: DataError: a file is missing or damaged, or no such slice. MissingExtra: TensorFlow is not installed.
        """
        import numpy as np

        from kpipe.data.preparation.prepared import filled, folder_of, opened
        from kpipe.data.preparation.targets import check_finite

        where = f"tfds {self.builder.info.name}: {name}"
        folder = folder_of("tfds", self.builder.info.name, self._key(name))
        found = opened(folder)
        if found is not None:
            return found[0], found[1]["targets"]
        count, shape, dtype = self._extent(name)

        def fill(inputs: np.ndarray) -> dict[str, np.ndarray]:
            targets = np.empty(count, dtype=np.int64)
            start = 0
            for images, labels in self._batches(name, where):
                with np.errstate(over="ignore"):
                    inputs[start : start + len(labels)] = images.reshape(len(labels), *inputs.shape[1:])
                targets[start : start + len(labels)] = labels
                start += len(labels)
            if start != count:
                raise DataError(f"{where}: {start} examples, its description says {count}", "prepare it again")
            check_finite(inputs, where)
            return {"targets": targets}

        inputs, beside = filled(folder, (count, *shape), self._kept(name, where, dtype, shape), fill, always_kept=True)
        return inputs, beside["targets"]

    def _key(self, name: str) -> list[object]:
        """Changes with the prepared files and with what is taken from them."""
        files = sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in self.folder.iterdir())
        return [str(self.folder.resolve()), files, name, self.input, self.target, self.size]

    def _kept(self, name: str, where: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
        """The dtype in which they are kept: uint8 of images of whole numbers in 0..255, float32 of all others.

        Where the description does not tell, all are looked at.
        """
        from kpipe.data.preparation.arrays import in_bytes

        if len(shape) == 1 or dtype.kind not in "biu":
            return "float32"
        told = dtype.kind == "b" or dtype == "uint8"
        return "uint8" if told or all(in_bytes(images) for images, _ in self._batches(name, where)) else "float32"

    def _extent(self, name: str) -> tuple[int, tuple[int, ...], np.dtype[Any]]:
        feature = self.builder.info.features[self.input]
        try:
            split = self.builder.info.splits[name]
        except (KeyError, ValueError) as error:
            raise DataError(f"tfds {self.builder.info.name}: no split `{name}`: {error}") from error
        missing = [file for file in split.filepaths if not Path(file).is_file()]
        if missing:
            raise DataError(f"{missing[0]}: prepared file is not there", "prepare the data set again")
        shape = feature.shape if self.size is None else (*self.size, *feature.shape[2:])
        shape = (*shape, 1) if len(shape) == 2 else shape
        return split.num_examples, shape, feature.np_dtype

    def _batches(self, name: str, where: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        _, shape, dtype = self._extent(name)
        size = min(BATCH, BATCH_BYTES // (math.prod(shape) * dtype.itemsize) + 1)
        tf = tensorflow()
        examples = self._examples(tf, name, size)
        try:
            for example in examples.batch(size if self.size is None else 1).prefetch(2).as_numpy_iterator():
                inputs = example[self.input]
                yield (resized(inputs[0], self.size)[None] if self.size else inputs), example[self.target]
        except tf.errors.OpError as error:
            raise DataError(
                f"{where}: a prepared file is damaged: {error.message}", "prepare the data set again"
            ) from error

    def _examples(self, tf: Any, name: str, size: int) -> Any:
        """A tf.data.Dataset of the two features, in the order of the files, of which ``size`` are read at a time."""
        import tensorflow_datasets as tfds

        wanted = {self.input: True, self.target: True}
        decoders = tfds.decode.PartialDecoding(wanted)
        if self.builder.info.file_format is not tfds.core.FileFormat.ARRAY_RECORD:
            config = tfds.ReadConfig(try_autocache=False, skip_prefetch=True, interleave_cycle_length=1)
            return self.builder.as_dataset(split=name, decoders=decoders, read_config=config, shuffle_files=False)
        method = tfds.decode.DeserializeMethod.RAW_BYTES
        records = self.builder.as_data_source(split=name, deserialize_method=method)
        features = decoders.extract_features(self.builder.info.features)

        def chunks() -> Iterator[list[bytes]]:
            for start in range(0, len(records), size):
                yield list(records.__getitems__(range(start, min(start + size, len(records)))))

        raw = tf.data.Dataset.from_generator(chunks, output_signature=tf.TensorSpec((None,), tf.string))
        return raw.unbatch().map(features.deserialize_example, num_parallel_calls=tf.data.AUTOTUNE)


def check_features(file: Path) -> None:
    """Raises: DataError: a class that is none of TFDS's own: it would import, and so run, whatever is named."""
    try:
        waiting: list[Any] = [json.loads(file.read_bytes())]
        while waiting:
            found = waiting.pop()
            waiting += found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
            for key, value in found.items() if isinstance(found, dict) else ():
                if key == "json" and isinstance(value, str):
                    waiting.append(json.loads(value))
                elif key in CLASS_KEYS and isinstance(value, str) and not value.startswith("tensorflow_datasets."):
                    message = f"{file}: names the class `{printable(value)}`, which is none of TensorFlow Datasets"
                    raise DataError(message, "no code of others is run: prepare the data set again")
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file}: is no readable description: {error}", "prepare the data set again") from error


def is_input(feature: Any) -> bool:
    """An image, or numbers of a known shape: a vector or an image."""
    import numpy as np
    import tensorflow_datasets as tfds

    if isinstance(feature, tfds.features.Image):
        return True
    numbers = isinstance(feature, tfds.features.Tensor) and np.issubdtype(feature.np_dtype, np.number)
    return numbers and 1 <= len(feature.shape) <= 3 and None not in feature.shape


def choose(
    role: str, wanted: str | None, fitting: list[str], supervised: tuple[Any, ...], features: dict[str, Any], where: str
) -> str:
    """The feature for ``input`` or ``target``: the one asked for, the only one that fits, or the set's own choice."""
    listed = ", ".join(f"{name} ({type(feature).__name__})" for name, feature in features.items())
    if wanted is not None:
        if wanted in fitting:
            return wanted
        near = nearest(wanted, fitting)
        kind = "an image or a vector" if role == "input" else "a class label"
        hint = f"did you mean `{near}`?" if near else f"its features: {listed}"
        raise DataError(f"{where}: `{wanted}` is not {kind} among its features", hint)
    own = [name for name in fitting if name in supervised]
    if len(own) == 1 or len(fitting) == 1:
        return (own or fitting)[0]
    what = "several features fit" if fitting else "no feature fits"
    raise DataError(f"{where}: {what} as {role}; its features: {listed}", f"set `{role}:`" if fitting else "")


def tensorflow() -> Any:
    """TensorFlow, kept from taking the accelerator's memory, which is for the engine. Raises: MissingExtra."""
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingExtra("reading a TFDS data set for the first time needs tensorflow", "pip install tensorflow")
    with silenced():
        import tensorflow as tf

    logging.getLogger("absl").setLevel(logging.ERROR)  # TFDS calls a deprecated property of its own
    keras = sys.modules.get("keras")
    engine = keras.backend.backend() if keras is not None else os.environ.get("KERAS_BACKEND")
    if engine in ("jax", "torch"):
        tf.config.set_visible_devices([], "GPU")
    elif keras is None:
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
    return tf


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    from kpipe.data.preparation.pictures import fit

    channels = image.shape[2]
    return fit(Image.fromarray(image[..., 0] if channels == 1 else image), size, channels)
