"""The digits of scikit-learn, divided as in pipelines/cnn_gap.yaml, in files that every tool reads.

    python benchmarks/others/data.py FOLDER

Writes ``digits.npz`` (x_train, y_train, x_validation ...: uint8 images of 8x8x1), and for Ludwig ``digits.csv``
(image, label, split: 0 train, 1 validation, 2 test) with ``images/``, as arrays of
1x8x8, which Ludwig reads where torchvision's own reader of PNG files cannot be loaded.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from kpipe.pipeline import Pipeline, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import read

PIPELINE = Path(__file__).parents[2] / "pipelines" / "cnn_gap.yaml"


def write(folder: Path) -> None:
    splits = load_splits(checked(Pipeline, read(PIPELINE)))
    (folder / "images").mkdir(parents=True, exist_ok=True)
    arrays, rows = {}, [("image", "label", "split")]
    for number, part in enumerate(("train", "validation", "test")):
        split = getattr(splits, part)
        batch = split.take(np.arange(len(split)))
        images, labels = batch[splits.signature.inputs[0].name], batch["target"]
        arrays |= {f"x_{part}": images, f"y_{part}": labels}
        for image, label in zip(images, labels, strict=True):
            name = f"images/{len(rows):04}.npy"
            np.save(folder / name, image.transpose(2, 0, 1))
            rows.append((name, str(label), str(number)))
    np.savez(folder / "digits.npz", **arrays)
    with (folder / "digits.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
