"""Decoding as a textbook writes it, for comparison: no cache, no batch, the whole model for each token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from kpipe.models.encoder_decoder import EncoderDecoder
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.special import END, PADDING, START, UNKNOWN
from kpipe.tokenization.vocabulary import Vocabulary

VOCABULARY = Vocabulary.learn(Characters(), ["abcdefgh"])
FORBIDDEN = [PADDING, UNKNOWN, START]


class Reference:
    """Plain decoding of a model whose inputs are tokens: `text` with sources, or `next_token` without.

    For each token the whole beginnings go through the whole model; nothing is kept. ``width`` is how many beginnings
    of an example are looked at in one call.
    """

    def __init__(self, model: Any, max_length: int, width: int = 1, length: int | None = None) -> None:
        import keras

        self.model, self.max_length, self.width, self.length = model, max_length, width, length or max_length
        model.jit_compile = keras.backend.backend() == "jax"  # JAX would compile each loop at each call

    def log_probabilities(self, source: np.ndarray | None, beginnings: Sequence[Sequence[int]]) -> np.ndarray:
        """Of the next token after each beginning (beginnings, num_tokens).

        Batch and length are always the same, so that the model is compiled once: it must not look ahead.
        """
        tokens = np.full((self.width, self.length), PADDING, "int32")
        for row, beginning in zip(tokens, beginnings, strict=False):
            row[: len(beginning)] = beginning
        inputs: Any = tokens
        if source is not None:
            inputs = {"source": np.repeat(source[None], self.width, axis=0), "previous": tokens}
        logits = np.array(self.model.predict_on_batch(inputs), "float64")
        last = np.stack([row[len(beginning) - 1] for row, beginning in zip(logits, beginnings, strict=False)])
        last[:, FORBIDDEN] = -np.inf
        return last - np.logaddexp.reduce(last, axis=1)[:, None]

    def greedy(self, source: np.ndarray | None, given: list[int]) -> list[int]:
        """The most probable token at each step."""
        tokens = list(given)
        for _ in range(self.max_length):
            token = int(np.argmax(self.log_probabilities(source, [tokens])))
            if token == END:
                break
            tokens.append(token)
        return tokens[len(given) :]

    def beam(self, source: np.ndarray | None, given: list[int], length_penalty: float) -> list[int]:
        """The best text of a beam; those that end leave it."""
        live: list[tuple[float, list[int]]] = [(0.0, list(given))]
        ended: list[tuple[float, list[int]]] = []
        for _ in range(self.max_length):
            following = self.log_probabilities(source, [tokens for _, tokens in live])
            grown = [
                (score + float(more[token]), [*tokens, token])
                for (score, tokens), more in zip(live, following, strict=True)
                for token in range(len(more))
                if token not in FORBIDDEN
            ]
            kept = sorted(grown, key=lambda one: -one[0])[: self.width - len(ended)]
            ended += [one for one in kept if one[1][-1] == END]
            live = [one for one in kept if one[1][-1] != END]
            if not live:
                break

        def value(one: tuple[float, list[int]]) -> float:
            return one[0] / ((5 + len(one[1]) - len(given)) / 6) ** length_penalty

        best = max(ended or live, key=value)[1][len(given) :]
        return [token for token in best if token != END]


@pytest.fixture(scope="session")
def reference() -> type[Reference]:
    return Reference


def text_signature(max_length: int = 9) -> Signature:
    common: dict[str, Any] = {"kind": "tokens", "shape": (None,), "dtype": "int32", "vocabulary": VOCABULARY}
    inputs = tuple(Feature(name=name, max_length=max_length, **common) for name in ("source", "previous"))
    return Signature(inputs=inputs, target=Target(task="text", vocabulary=VOCABULARY, max_length=max_length))


@pytest.fixture(scope="session")
def signature() -> Signature:
    return text_signature()


@pytest.fixture(scope="session")
def model_of(backend: str) -> Callable[..., Any]:
    """A small encoder-decoder that has decided opinions and ends now and then, the same on every backend."""

    def build(scale: float = 0.8, **fields: Any) -> Any:
        spec = EncoderDecoder.model_validate({"units": 12, "embedding": 6, **fields})
        model = spec.build(text_signature())
        generator = np.random.default_rng(1)
        weights = [generator.normal(0.0, scale, weight.shape) for weight in model.weights]
        model.set_weights(weights)
        return model

    return build


@pytest.fixture(scope="session")
def sources() -> np.ndarray:
    """(7, 8) int32, padded; one is all padding."""
    generator = np.random.default_rng(3)
    tokens = generator.integers(4, VOCABULARY.size, (7, 8)).astype("int32")
    lengths = np.array([8, 5, 1, 3, 8, 0, 6])
    return np.where(np.arange(8) < lengths[:, None], tokens, PADDING).astype("int32")
