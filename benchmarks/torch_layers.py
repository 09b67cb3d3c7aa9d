"""What PyTorch's own kernels under Keras's layers give: CPU milliseconds of a training step, on one thread.

    python benchmarks/torch_layers.py [--only CNN] [--rounds 8] [--steps 4] [--batch 64]

Each network three times: by Keras alone, by Keras with the kernels that kpipe takes, and written by hand with torch.nn
and PyTorch's Adam (its convolutions as torch.nn lays them by default, channels first). They take turns; the
quickest of all rounds counts, in CPU time, as others may compute beside. Prints ratios to plain torch.nn.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable, Iterator

os.environ.update({"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})

import keras
import numpy as np
import torch
from torch import nn

from kpipe.kernels.adam import take_fused_adam
from kpipe.kernels.take import take_kernels
from kpipe.models.cnn import CNN
from kpipe.models.rnn import RNN
from kpipe.models.stacked_autoencoder import StackedAutoencoder
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.vocabulary import Vocabulary

Step = Callable[[], object]
RATE, TIME, FEATURES, UNITS, SIDE = 1e-3, 100, 32, 64, 32
CLASSES = Target(task="classes", names=tuple("abcdefghij"))
MOMENTS = {"mean": (0.0,), "variance": (1.0,)}
PHOTO = Feature(name="image", kind="image", shape=(SIDE, SIDE, 3), dtype="float32", **MOMENTS)
VECTOR = Feature(name="vector", kind="vector", shape=(784,), dtype="float32", **MOMENTS)
SERIES = Feature(name="series", kind="sequence", shape=(TIME, FEATURES), dtype="float32", **MOMENTS)
LETTERS = Vocabulary.learn(Characters(), ["abcdefghijklmnopqrstuvwxyz"])
TEXT = Feature(name="text", kind="tokens", shape=(None,), dtype="int32", vocabulary=LETTERS, max_length=TIME)


def rebuilt(feature: Feature) -> Signature:
    target = Target(name=feature.name, task="reconstruction", names=("x",), **MOMENTS)
    return Signature(inputs=(feature,), target=target, given=CLASSES)


class Recurrent(nn.Module):
    """Both directions, the end of each, ten logits; of tokens an embedding first, and packed sequences."""

    def __init__(self, cell: type[nn.Module], tokens: int = 0) -> None:
        super().__init__()
        self.embed = nn.Embedding(tokens, FEATURES) if tokens else None
        self.read = cell(FEATURES, UNITS, batch_first=True, bidirectional=True)
        self.close = nn.Linear(2 * UNITS, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.embed is not None:
            lengths = (x != 0).sum(1)
            x = nn.utils.rnn.pack_padded_sequence(self.embed(x), lengths, batch_first=True, enforce_sorted=False)
        _, last = self.read(x)
        h = last[0] if isinstance(last, tuple) else last
        return self.close(torch.cat([h[0], h[1]], dim=-1))


def convolutional() -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def dense_autoencoder() -> nn.Module:
    sizes = (784, 256, 64, 256, 784)
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(itertools.pairwise(sizes)):
        layers += [nn.Linear(before, after)] + ([nn.Tanh()] if number in (0, 2) else [])
    return nn.Sequential(*layers)


def convolutional_autoencoder() -> nn.Module:
    down = [nn.Conv2d(3, 16, 3, 2, 1), nn.Tanh(), nn.Conv2d(16, 32, 3, 2, 1), nn.Tanh(), nn.Flatten()]
    code = [nn.Linear(2048, 64), nn.Linear(64, 2048), nn.Tanh(), nn.Unflatten(1, (32, 8, 8))]
    up = [nn.ConvTranspose2d(32, 16, 3, 2, 1, 1), nn.Tanh(), nn.ConvTranspose2d(16, 3, 3, 2, 1, 1)]
    return nn.Sequential(*down, *code, *up)


def cases(batch: int) -> Iterator[tuple[str, Callable[[], keras.Model], nn.Module, np.ndarray, np.ndarray]]:
    """The name, Keras's network, the one by hand, inputs and targets."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, batch)
    images, vectors, series = (
        rng.normal(size=(batch, *feature.shape)).astype("float32") for feature in (PHOTO, VECTOR, SERIES)
    )
    tokens = rng.integers(4, LETTERS.size, (batch, TIME)).astype("int32")
    tokens[np.arange(TIME)[None] >= rng.integers(20, TIME + 1, (batch, 1))] = 0
    tokens[0] = 4

    def classifier(model: CNN | RNN, feature: Feature) -> Callable[[], keras.Model]:
        return lambda: model.build(Signature(inputs=(feature,), target=CLASSES))

    yield "CNN", classifier(CNN(filters=(32, 64, 128)), PHOTO), convolutional(), images, labels
    for cell, hand in (("lstm", nn.LSTM), ("gru", nn.GRU), ("simple", nn.RNN)):
        network = RNN(cell=cell, units=(UNITS,), embedding=FEATURES, bidirectional=True)
        name = f"both ways {cell}"
        yield name, classifier(network, SERIES), Recurrent(hand), series, labels
        yield f"{name}, masked", classifier(network, TEXT), Recurrent(hand, LETTERS.size), tokens, labels
    dense = StackedAutoencoder(output="reconstruction", units=(256, 64))
    yield "dense autoencoder", lambda: dense.build(rebuilt(VECTOR)), dense_autoencoder(), vectors, vectors
    deep = StackedAutoencoder(output="reconstruction", filters=(16, 32), units=(64,))
    yield "conv. autoencoder", lambda: deep.build(rebuilt(PHOTO)), convolutional_autoencoder(), images, images


def by_keras(model: keras.Model, inputs: np.ndarray, targets: np.ndarray, quick: bool) -> Step:
    classes = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(RATE)
    model.compile(optimizer, "mse" if targets.dtype == "float32" else classes)
    if quick:
        take_kernels(model)
        take_fused_adam(optimizer)
    batch = torch.from_numpy(inputs), torch.from_numpy(targets)
    model.train_on_batch(*batch)
    model.make_train_function()
    return lambda: model.train_function([batch])  # what `fit` does at each step


def by_hand(model: nn.Module, inputs: np.ndarray, targets: np.ndarray) -> Step:
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    reconstructs = targets.dtype == "float32"
    loss = nn.functional.mse_loss if reconstructs else nn.functional.cross_entropy

    def step() -> None:
        x = torch.from_numpy(inputs)
        x = x.permute(0, 3, 1, 2).contiguous() if x.ndim == 4 else x
        optimizer.zero_grad()
        loss(model(x), x if reconstructs else torch.from_numpy(targets)).backward()
        optimizer.step()

    return step


def quickest(steps: dict[str, Step], rounds: int, number: int) -> dict[str, float]:
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(rounds + 1):
        for name, step in steps.items():
            began = time.process_time()
            for _ in range(number):
                step()
            best[name] = min(best[name], 1e3 * (time.process_time() - began) / number)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="a part of the names of what is measured")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'CPU ms per step':24}{'Keras':>9}{'kpipe':>9}{'torch.nn':>10}{'Keras / torch':>15}{'kpipe / torch':>15}")
    for name, build, module, inputs, targets in cases(chosen.batch):
        if chosen.only not in name:
            continue
        alone, quick = (by_keras(build(), inputs, targets, quick) for quick in (False, True))
        steps = {"keras": alone, "kpipe": quick}
        took = quickest({**steps, "hand": by_hand(module, inputs, targets)}, chosen.rounds, chosen.steps)
        ratios = took["keras"] / took["hand"], took["kpipe"] / took["hand"]
        times = f"{took['keras']:9.1f}{took['kpipe']:9.1f}{took['hand']:10.1f}"
        print(f"{name:24}{times}{ratios[0]:13.2f} x{ratios[1]:13.2f} x", flush=True)


if __name__ == "__main__":
    main()
