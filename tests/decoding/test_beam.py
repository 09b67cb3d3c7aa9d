"""Beam search: the compiled loop against the plain one, token for token."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from kpipe.decoding.beam import Beam
from kpipe.decoding.greedy import Greedy
from kpipe.tokenization.special import END, START


def listed(tokens: list[np.ndarray]) -> list[list[int]]:
    return [[int(token) for token in row] for row in tokens]


@pytest.mark.parametrize(("width", "length_penalty"), [(2, 0.0), (4, 1.5)])
def test_agrees_with_plain_beam_search_token_for_token(
    model_of: Any, signature: Any, sources: np.ndarray, reference: Any, width: int, length_penalty: float
) -> None:
    model = model_of(cell="gru", attention="general")
    beam = Beam(width=width, length_penalty=length_penalty)
    plain = reference(model, 9, width)
    found = listed(beam.decode(model, [{"source": sources}], signature))
    assert found[:4] == [plain.beam(row, [START], length_penalty) for row in sources[:4]]


def test_width_1_is_greedy(model_of: Any, signature: Any, sources: np.ndarray) -> None:
    model = model_of()
    one = Beam(width=1).decode(model, [{"source": sources}], signature)
    assert listed(one) == listed(Greedy().decode(model, [{"source": sources}], signature))


def test_a_beam_wide_enough_finds_the_most_probable_text_of_all(
    model_of: Any, signature: Any, sources: np.ndarray, reference: Any
) -> None:
    model = model_of(attention="none", bidirectional=False)
    bias = model.get_layer("target").output_layer.bias
    bias.assign(np.where(np.isin(np.arange(bias.shape[0]), [END, 4, 5, 6]), 8.0, -8.0))  # four tokens matter
    texts = [text for length in range(3) for text in itertools.product([4, 5, 6], repeat=length)]
    plain, row = reference(model, 3, len(texts)), sources[0]
    total = np.zeros(len(texts))
    for step in range(3):
        known = [(text, place) for place, text in enumerate(texts) if step <= len(text)]
        following = plain.log_probabilities(row, [[START, *text[:step]] for text, _ in known])
        for (text, place), more in zip(known, following, strict=True):
            total[place] += more[(*text, END)[step]]
    best = texts[int(total.argmax())]
    (found,) = Beam(width=40, length_penalty=0.0, max_length=3).decode(model, [{"source": row[None]}], signature)
    assert tuple(found) == best


def test_equal_tokens_are_taken_in_the_order_of_their_numbers(
    model_of: Any, signature: Any, sources: np.ndarray
) -> None:
    model = model_of(attention="none", bidirectional=False)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    found = Beam(width=3, length_penalty=0.0, max_length=4).decode(model, [{"source": sources}], signature)
    assert listed(found) == [[]] * len(sources)  # of unknown, end and eight letters, all equal, the end comes second
