"""Training on images from memory against the same images from a mapped file, decoding excluded, in the same run.

    KERAS_BACKEND=jax python benchmarks/streaming.py [--images 4096] [--side 64] [--pairs 3]

Prints the processor and clock time per example of an epoch (the shortest of several, taken in turns) of a small CNN and
of gathering alone, in three forms: from memory; from the file while the system holds it; from the file of which the
system holds nothing when the epoch begins, as when it is larger than memory. Aim: a ratio below 1.3 in training.
"""

from __future__ import annotations

import argparse
import mmap
import os
import tempfile
import time
from collections.abc import Callable

import numpy as np

from kpipe import backend
from kpipe.data.preparation import prepared
from kpipe.data.preparation.stored import Stored
from kpipe.data.splits import ArraySplit
from kpipe.models.cnn import CNN
from kpipe.signature import Feature, Signature, Target

BATCH = 64
Times = tuple[float, float]


def both_times(work: Callable[[], object]) -> Times:
    """Of the processor, and on the clock."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - busy, time.perf_counter() - start


def forget(stored: Stored) -> None:
    """Makes the system drop what it holds of the file."""
    whole = stored.array.base
    while not isinstance(whole, mmap.mmap):
        whole = whole.base
    whole.madvise(mmap.MADV_DONTNEED)
    handle = os.open(stored.file, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def make(count: int, side: int) -> tuple[np.ndarray, Stored, np.ndarray]:
    """Noise, in memory and in a file; and a class for each image."""
    noise = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)

    def fill(array: np.ndarray) -> dict[str, np.ndarray]:
        array[:] = noise
        return {}

    prepared.HELD_BYTES = 0
    stored, _ = prepared.filled(prepared.folder_of("images", "noise", []), noise.shape, np.uint8, fill)
    assert isinstance(stored, Stored)
    return noise, stored, (np.arange(count) % 4).astype(np.int32)


def epoch_of(images: np.ndarray | Stored, classes: np.ndarray) -> tuple[Callable[[], object], Callable[[], object]]:
    """An epoch of training, and of gathering alone; the order is the same for both forms."""
    import keras

    from kpipe.training.loop.batches import Examined, Plan, ShuffledBatches
    from kpipe.training.loop.compiling import compile_model
    from kpipe.training.loop.losses import loss_of

    names = ("a", "b", "c", "d")
    feature = Feature(name="image", kind="image", shape=images.shape[1:], dtype="uint8", mean=(127.5,) * 3,
                      variance=(5400.0,) * 3)  # fmt: skip
    target = Target(name="target", task="classes", names=names)
    signature = Signature(inputs=(feature,), target=target)
    model = CNN.model_validate({"type": "cnn", "filters": [8, 16], "strides": [2, 1]}).build(signature)
    compile_model(model, keras.optimizers.Adam(1e-3), loss_of(target, 0.0), [])
    plan = Plan(len(classes), BATCH, 0, 0)
    batches = ShuffledBatches(Examined(ArraySplit({"image": images, "target": classes}), signature), plan, 0)

    def train() -> None:
        model.fit(batches, steps_per_epoch=plan.steps, epochs=1, shuffle=False, verbose=0)

    def gather() -> None:
        for step in range(plan.steps):
            batches[step]

    return train, gather


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--pairs", type=int, default=3)
    chosen = parser.parse_args()
    engine = backend.choose(None, None)
    backend.use(engine)
    place = backend.cache_folder()
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as folder:  # not in /tmp, which may be memory
        os.environ["XDG_CACHE_HOME"] = folder
        held, stored, classes = make(chosen.images, chosen.side)
        size = held.nbytes / 1e6
        print(
            f"{engine}: {chosen.images} images of {chosen.side} x {chosen.side} x 3, {size:.0f} MB, batches of {BATCH}"
        )
        train_held, gather_held = epoch_of(held, classes)
        train_stored, gather_stored = epoch_of(stored, classes)
        train_held(), train_stored()  # compiled
        for what, from_memory, from_file in (
            ("gathering", gather_held, gather_stored),
            ("training", train_held, train_stored),
        ):
            found: dict[str, list[Times]] = {"memory": [], "file": [], "file, cold": []}
            for _ in range(chosen.pairs):
                found["memory"].append(both_times(from_memory))
                found["file"].append(both_times(from_file))
                forget(stored)
                found["file, cold"].append(both_times(from_file))
            base = [min(times) for times in zip(*found["memory"], strict=True)]
            for form, times in found.items():
                busy, clock = (min(each) for each in zip(*times, strict=True))
                print(
                    f"{what:<10} {form:<11} processor {1e6 * busy / len(classes):8.1f} us an example, "
                    f"ratio {busy / base[0]:5.2f}   clock {1e6 * clock / len(classes):8.1f} us, {clock / base[1]:5.2f}"
                )


if __name__ == "__main__":
    main()
