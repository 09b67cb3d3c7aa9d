"""What kept keys and values save in decoding: a Transformer's greedy decoding against plain Keras that keeps nothing.

    KERAS_BACKEND=jax python benchmarks/decoding.py [--lengths 16 32 64 128 256] [--batch-size 8]

For n tokens, kpipe's decoding makes n steps of one token; plain decoding puts the whole text through the model n times
(padded to n tokens, so that no backend compiles twice). The network is the same, with random weights and without an
end; both make the same tokens. Prints the seconds of both (the shortest of three, and one; compiled before), the
milliseconds for each token, the ratio, and the power of n that each grows with over the last two n: 1 is linear.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import kpipe.backend
from kpipe.decoding.greedy import Greedy
from kpipe.models.transformer import Transformer
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.special import END, PADDING, START
from kpipe.tokenization.vocabulary import Vocabulary

LETTERS = "abcdefghijklmnopqrstuvwxyz .,;:!?-'"
NEVER = -1e9


def text_signature(length: int) -> Signature:
    vocabulary = Vocabulary.learn(Characters(), [LETTERS])
    source, previous = (
        Feature(name=name, kind="tokens", shape=(None,), dtype="int32", vocabulary=vocabulary, max_length=length)
        for name in ("source", "previous")
    )
    return Signature(inputs=(source, previous), target=Target(task="text", vocabulary=vocabulary, max_length=length))


def never_ending(signature: Signature) -> Any:
    """A network whose texts go on and on: the bias of the special tokens' logits forbids them."""
    spec = Transformer(layers=2, width=128, num_heads=4, feed_forward=512, tied_embeddings=False)
    model = spec.build(signature)
    bias = model.get_layer("target").bias
    bias.assign(np.where(np.arange(bias.shape[0]) <= END, NEVER, 0.0).astype("float32"))
    return model


def plain(model: Any, source: np.ndarray, tokens: int, length: int) -> np.ndarray:
    """The whole text, padded to ``length``, through the model for each of ``tokens`` (batch, length)."""
    from kpipe.evaluation.forward import run

    previous = np.full((len(source), length + 1), PADDING, "int32")
    previous[:, 0] = START
    for position in range(tokens):
        logits = run(model, {"source": source, "previous": previous[:, :length]})
        previous[:, position + 1] = logits[:, position].argmax(axis=-1)
    return previous[:, 1:]


def kept(model: Any, source: np.ndarray, signature: Signature, length: int) -> np.ndarray:
    return np.stack(Greedy(max_length=length).decode(model, [{"source": source}], signature))


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(model: Any, source: np.ndarray, signature: Signature, length: int) -> tuple[float, float]:
    """Seconds for ``length`` tokens with kept keys and values, and without; both must make the same tokens."""
    ours, theirs = kept(model, source, signature, length), plain(model, source, 1, length)
    mine = min(seconds(lambda: kept(model, source, signature, length)) for _ in range(3))
    began = time.perf_counter()
    theirs = plain(model, source, length, length)
    taken = time.perf_counter() - began
    if (ours != theirs).any():
        sys.exit(f"{length} tokens: kept and plain decoding differ in {(ours != theirs).sum()} of {ours.size}")
    return mine, taken


def growth(times: Sequence[float], lengths: Sequence[int]) -> float:
    """The power of n that the time grows with over the last two lengths."""
    return math.log(times[-1] / times[-2]) / math.log(lengths[-1] / lengths[-2])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--lengths", nargs="+", type=int, default=[16, 32, 64, 128, 256])
    parser.add_argument("--batch-size", type=int, default=8)
    arguments = parser.parse_args()
    engine = kpipe.backend.choose(None, None)
    kpipe.backend.use(engine)
    lengths = sorted(arguments.lengths)
    signature = text_signature(lengths[-1])
    model = never_ending(signature)
    source = np.random.default_rng(0).integers(END + 1, signature.target.size, (arguments.batch_size, 32))
    print(f"{engine}: {arguments.batch_size} texts at once, {model.count_params():,} parameters")
    took = []
    for length in lengths:
        ours, theirs = measure(model, source.astype("int32"), signature, length)
        took.append((ours, theirs))
        print(
            f"{length:>4} tokens   kept {ours:7.3f} s, {1000 * ours / length:6.2f} ms a token   "
            f"plain {theirs:7.3f} s, {1000 * theirs / length:6.2f} ms a token   ratio {ours / theirs:.3f}",
            flush=True,
        )
    powers = [growth(times, lengths) for times in zip(*took, strict=True)]
    print(f"from {lengths[-2]} to {lengths[-1]} tokens: kept grows with n ** {powers[0]:.2f}, plain ** {powers[1]:.2f}")


if __name__ == "__main__":
    main()
