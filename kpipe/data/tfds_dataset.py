"""A data set prepared by TensorFlow Datasets as arrays: decoded once, then kept in the cache folder."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe.backend import silenced
from kpipe.errors import DataError, MissingExtra
from kpipe.spec.mistake import nearest

if TYPE_CHECKING:
    import numpy as np

BATCH = 1024
"""Examples taken out of tf.data at a time."""


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

    def split(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (n, ...) uint8 or float32 and class positions (n,) of a split, from the cache where they are there.

        Raises: DataError: a file is missing or damaged, or no such slice. MissingExtra: TensorFlow is not installed.
        """
        import numpy as np

        folder = self._cache(name)
        try:
            inputs = np.load(folder / "inputs.npy", mmap_mode="r", allow_pickle=False)
            targets = np.load(folder / "targets.npy", allow_pickle=False)
            return inputs.view(np.ndarray), targets
        except (OSError, ValueError, EOFError):
            inputs, targets = self._decode(name)
            keep(folder, inputs=inputs, targets=targets)
            return inputs, targets

    def _cache(self, name: str) -> Path:
        """A folder whose name changes with the prepared files and with what is taken from them."""
        files = sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in self.folder.iterdir())
        key = repr((str(self.folder.resolve()), files, name, self.input, self.target, self.size))
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kpipe" / "tfds"
        return root / f"{self.builder.info.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"

    def _decode(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        from kpipe.data.preparation.arrays import as_input

        where = f"tfds {self.builder.info.name}: {name}"
        count, shape, dtype = self._extent(name)
        inputs = np.empty((count, *shape), dtype=dtype)
        targets = np.empty(count, dtype=np.int64)
        start = 0
        for images, labels in self._batches(name, where):
            inputs[start : start + len(labels)] = images
            targets[start : start + len(labels)] = labels
            start += len(labels)
        if start != count:
            raise DataError(f"{where}: {start} examples, its description says {count}", "prepare it again")
        return as_input(inputs, where), targets

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
        return split.num_examples, shape, feature.np_dtype

    def _batches(self, name: str, where: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        tf = tensorflow()
        examples = self._examples(tf, name)
        resize = self.size is not None
        try:
            for example in examples.batch(1 if resize else BATCH).prefetch(2).as_numpy_iterator():
                inputs = example[self.input]
                yield (resized(inputs[0], self.size)[None] if self.size else inputs), example[self.target]
        except tf.errors.OpError as error:
            raise DataError(
                f"{where}: a prepared file is damaged: {error.message}", "prepare the data set again"
            ) from error

    def _examples(self, tf: Any, name: str) -> Any:
        """A tf.data.Dataset of the two features, in the order of the files."""
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
            for start in range(0, len(records), BATCH):
                yield list(records.__getitems__(range(start, min(start + BATCH, len(records)))))

        raw = tf.data.Dataset.from_generator(chunks, output_signature=tf.TensorSpec((None,), tf.string))
        return raw.unbatch().map(features.deserialize_example, num_parallel_calls=tf.data.AUTOTUNE)


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


def keep(folder: Path, **arrays: np.ndarray) -> None:
    """Writes the arrays into ``folder`` at one stroke; where that cannot be written, reading again costs only time."""
    import numpy as np

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
    except OSError:
        return
    try:
        for name, array in arrays.items():
            np.save(draft / f"{name}.npy", array, allow_pickle=False)
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
