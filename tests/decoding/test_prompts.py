"""Going on from prompts of different lengths, side by side: a language model against plain decoding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kpipe.decoding.beam import Beam
from kpipe.decoding.greedy import Greedy
from kpipe.decoding.sampling import Sampling
from kpipe.parts import Parts, give
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.special import PADDING, START
from kpipe.tokenization.vocabulary import Vocabulary

VOCABULARY = Vocabulary.learn(Characters(), ["abcdefgh"])
SIGNATURE = Signature(
    inputs=(Feature(name="tokens", kind="tokens", shape=(None,), dtype="int32", vocabulary=VOCABULARY, max_length=10),),
    target=Target(task="next_token", vocabulary=VOCABULARY, max_length=10),
)
PROMPTS = np.array([[4, 5, 6, 7], [8, 0, 0, 0], [9, 10, 0, 0], [0, 0, 0, 0], [11, 4, 11, 0]], "int32")


@pytest.fixture(scope="module")
def language_model(backend: str) -> Any:
    """Embedding, GRU, logits; and the same one token at a time."""
    import keras
    from keras import ops

    embed, recurrent = keras.layers.Embedding(VOCABULARY.size, 6), keras.layers.GRU(12, return_sequences=True)
    logits = keras.layers.Dense(VOCABULARY.size, name="target")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    model = keras.Model(tokens, logits(recurrent(embed(tokens))))
    generator = np.random.default_rng(6)
    model.set_weights([generator.normal(0.0, 1.2, weight.shape) for weight in model.weights])

    class Stepper:
        def start(self, inputs: Any, length: int) -> Any:
            return {"h": ops.zeros((inputs["tokens"].shape[0], 12))}

        def step(self, tokens: Any, position: Any, state: Any) -> Any:
            output, _ = recurrent.cell(embed(tokens), [state["h"]])
            return logits(output), {"h": output}

    return give(model, Parts(stepper=Stepper()))


def given(row: np.ndarray) -> list[int]:
    return [int(token) for token in row if token != PADDING] or [START]


def listed(tokens: list[np.ndarray]) -> list[list[int]]:
    return [[int(token) for token in row] for row in tokens]


def test_greedy_goes_on_as_if_each_prompt_stood_alone(language_model: Any, reference: Any) -> None:
    found = Greedy(max_length=6).decode(language_model, [{"tokens": PROMPTS}], SIGNATURE)
    plain = reference(language_model, 6, length=10)
    expected = [plain.greedy(None, given(row)) for row in PROMPTS]
    assert listed(found) == expected
    assert len({tuple(row) for row in expected}) > 2


def test_a_beam_goes_on_as_if_each_prompt_stood_alone(language_model: Any, reference: Any) -> None:
    beam = Beam(width=3, length_penalty=0.6, max_length=5)
    plain = reference(language_model, 5, width=3, length=10)
    found = listed(beam.decode(language_model, [{"tokens": PROMPTS}], SIGNATURE))
    assert found == [plain.beam(None, given(row), 0.6) for row in PROMPTS]


def test_by_default_prompt_and_text_are_as_long_as_the_longest_known(language_model: Any) -> None:
    found = Greedy().decode(language_model, [{"tokens": PROMPTS}], SIGNATURE)
    for row, produced in zip(PROMPTS, found, strict=True):
        assert len(given(row)) + len(produced) <= 10 + 1


def test_a_text_does_not_depend_on_those_beside_it(language_model: Any) -> None:
    for decoding in (Greedy(), Sampling(temperature=2.0)):
        together = decoding.decode(language_model, [{"tokens": PROMPTS}], SIGNATURE)
        for number, row in enumerate(PROMPTS):
            alone = np.array([given(row)], "int32")
            (found,) = decoding.decode(language_model, [{"tokens": alone}], SIGNATURE, numbers=[np.array([number])])
            assert found.tolist() == together[number].tolist()
