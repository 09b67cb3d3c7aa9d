"""Loading 60,000 images of 28 x 28: kpipe against reading and decoding the same bytes by hand, in the same run.

    python benchmarks/loading.py ../shared/data

Prints, for each form of MNIST, the seconds of both (the shortest of three) and their ratio (aim: below 1.5), on the
clock and in processor time, as other processes disturb the clock; the second load (from the cache), the bytes in memory
for each image byte, and how many records a second ``take`` gives.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kpipe.data.image_folder import ImageFolder
from kpipe.data.splits import Split, Splits
from kpipe.data.tfds import Tfds

PAIRS = 3
IMAGE_BYTES = 28 * 28


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def both_times(work: Callable[[], object]) -> tuple[float, float]:
    """On the clock, and of the processor."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - busy


def by_hand_tfrecord(folder: Path) -> np.ndarray:
    """What a careful person writes: parallel decoding in tf.data, batches into one array."""
    import tensorflow as tf

    form = {"image": tf.io.FixedLenFeature((), tf.string), "label": tf.io.FixedLenFeature((), tf.int64)}

    def decode(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        example = tf.io.parse_single_example(record, form)
        return tf.io.decode_png(example["image"], channels=1), example["label"]

    parts = []
    for split in ("train", "test"):
        files = sorted(str(file) for file in folder.glob(f"mnist-{split}.tfrecord*"))
        records = tf.data.TFRecordDataset(files).map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(1024)
        parts += [image for image, _ in records.as_numpy_iterator()]
    return np.concatenate(parts)


def by_hand_array_record(folder: Path) -> np.ndarray:
    """What TFDS's documentation shows: a data source, record by record."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    parts = []
    for split in ("train", "test"):
        source = builder.as_data_source(split)
        parts += [source[index]["image"] for index in range(len(source))]
    return np.stack(parts)


def by_hand_folder(folder: Path) -> np.ndarray:
    from PIL import Image

    return np.stack([np.asarray(Image.open(file))[..., None] for file in sorted(folder.rglob("*.png"))])


def load_tfds(data_dir: Path) -> Splits:
    return Tfds.model_validate({"name": "mnist", "data_dir": str(data_dir)}).load(0)


def load_folder(folder: Path) -> Splits:
    return ImageFolder.model_validate({"path": str(folder), "color_mode": "grayscale"}).load(0)


def without_cache(work: Callable[[], object]) -> Callable[[], object]:
    def fresh() -> object:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_CACHE_HOME"] = folder
            return work()

    return fresh


def report(name: str, by_hand: Callable[[], object], ours: Callable[[], object]) -> None:
    pairs = [(both_times(by_hand), both_times(ours)) for _ in range(PAIRS)]
    hand, hand_busy = (min(times) for times in zip(*(theirs for theirs, _ in pairs), strict=True))
    mine, mine_busy = (min(times) for times in zip(*(our for _, our in pairs), strict=True))
    print(
        f"{name:<24} by hand {hand:6.2f} s   kpipe {mine:6.2f} s   ratio {mine / hand:5.2f}   "
        f"processor {hand_busy:6.2f} s, {mine_busy:6.2f} s, {mine_busy / hand_busy:5.2f}"
    )


def take_rate(split: Split) -> float:
    order = np.random.default_rng(0).permutation(len(split))
    batches = [order[start : start + 128] for start in range(0, len(order), 128)]
    best = min(seconds(lambda: [split.take(batch) for batch in batches]) for _ in range(5))
    return len(split) / best


def write_pngs(splits: Splits, folder: Path) -> None:
    from PIL import Image

    batch = splits.test.take(np.arange(len(splits.test)))
    for index, (image, target) in enumerate(zip(batch["image"], batch["target"], strict=True)):
        (folder / str(target)).mkdir(exist_ok=True)
        Image.fromarray(image[..., 0]).save(folder / str(target) / f"{index:05}.png")


def main(data: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch
        splits = load_tfds(data / "tfds")  # the imports are no part of the comparison
        print(f"{'tfds, from the cache':<24} {seconds(lambda: load_tfds(data / 'tfds')):6.2f} s")
        held = sum(array.nbytes for _, split in splits for array in split.arrays.values())  # type: ignore[attr-defined]
        count = sum(len(split) for _, split in splits)
        print(f"{'memory':<24} {held / (count * IMAGE_BYTES):6.3f} bytes for each image byte, targets included")
        print(f"{'take, batches of 128':<24} {take_rate(splits.train):,.0f} records/s")
        folder = Path(scratch) / "png"
        folder.mkdir()
        write_pngs(splits, folder)
        record, array_record = data / "tfds" / "mnist" / "3.0.1", data / "tfds_array_record" / "mnist" / "3.0.1"
        report("tfds TFRecord", lambda: by_hand_tfrecord(record), without_cache(lambda: load_tfds(data / "tfds")))
        report(
            "tfds ArrayRecord",
            lambda: by_hand_array_record(array_record),
            without_cache(lambda: load_tfds(data / "tfds_array_record")),
        )
        report("image_folder, 10,000", lambda: by_hand_folder(folder), lambda: load_folder(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
