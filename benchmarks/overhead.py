"""What a run costs over a hand-written script: whole processes, imports included.

    python benchmarks/overhead.py [--backends tensorflow jax torch] [--pairs 3] [--epochs 15]

For each backend, ``kpipe run pipelines/cnn_gap.yaml`` (with tracking, pictures and report) against a Keras script that
trains the same network on the same data and prints its test accuracy. The two run in turn; medians of several pairs.
Prints the ratio, and where the seconds of the kpipe run went.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kpipe import finding
from kpipe.backend import BACKENDS

ROOT = Path(__file__).resolve().parents[1]

BY_HAND = """
import sys
import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPOCHS = int(sys.argv[1])
keras.utils.set_random_seed(0)
digits = load_digits()
images = np.rint(digits.images[..., None] * (255 / 16)).astype("uint8")
x, x_test, y, y_test = train_test_split(images, digits.target, test_size=360, stratify=digits.target, random_state=0)
x, x_val, y, y_val = train_test_split(x, y, test_size=180, stratify=y, random_state=0)

inputs = keras.Input((8, 8, 1), dtype="uint8")
h = layers.Normalization(mean=x.mean(), variance=x.var())(inputs)
for filters, pool in ((32, True), (64, True), (128, False)):
    h = layers.Conv2D(filters, 3, padding="same")(h)
    h = layers.BatchNormalization()(h)
    h = layers.Activation("relu")(h)
    if pool:
        h = layers.MaxPooling2D()(h)
outputs = layers.Dense(10)(layers.GlobalAveragePooling2D()(h))
model = keras.Model(inputs, outputs)
steps = EPOCHS * -(-len(x) // 64)
rate = keras.optimizers.schedules.CosineDecay(0.0, steps - steps // 20, warmup_target=3e-3, warmup_steps=steps // 20)
model.compile(
    keras.optimizers.AdamW(rate, weight_decay=1e-4),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x, y, batch_size=64, epochs=EPOCHS, validation_data=(x_val, y_val), verbose=2)
print(model.evaluate(x_test, y_test, batch_size=64, verbose=0))
model.save("by_hand.keras")
"""


def seconds(command: list[str], folder: Path, backend: str) -> float:
    """The wall-clock seconds of a whole process."""
    began = time.perf_counter()
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return time.perf_counter() - began


def compare(backend: str, pairs: int, epochs: int, folder: Path) -> None:
    by_hand = [sys.executable, "-c", BY_HAND, str(epochs)]
    ours = [sys.executable, "-c", "from kpipe.cli import main; main()", "run", str(ROOT / "pipelines/cnn_gap.yaml")]
    ours += ["--backend", backend, "--set", f"train.epochs={epochs}"]
    seconds(ours, folder, backend)  # once, to create the store and fill the compilation caches of both
    seconds(by_hand, folder, backend)
    taken = [(seconds(by_hand, folder, backend), seconds(ours, folder, backend)) for _ in range(pairs)]
    hand, kpipe = (statistics.median(column) for column in zip(*taken, strict=True))
    ratios = sorted(mine / his for his, mine in taken)
    print(
        f"{backend:<11} by hand {hand:6.1f} s   kpipe {kpipe:6.1f} s   ratio {statistics.median(ratios):.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f} over {pairs} pairs)"
    )
    parts = finding.find(folder / "mlruns", "last").record.seconds
    rest = max(0.0, taken[-1][1] - sum(parts.values()))
    shown = "   ".join(f"{name} {value:.2f}" for name, value in {"start and exit": rest, **parts}.items())
    print(f"{'':<11} {shown}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--backends", nargs="+", default=list(BACKENDS), choices=BACKENDS)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for backend in arguments.backends:
            compare(backend, arguments.pairs, arguments.epochs, Path(folder))


if __name__ == "__main__":
    main()
