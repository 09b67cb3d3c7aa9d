"""Greedy decoding: the compiled loop against the plain one, token for token."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kpipe.decoding.greedy import Greedy
from kpipe.errors import WrongInput
from kpipe.parts import Parts, give
from kpipe.tokenization.special import END, PADDING, START, UNKNOWN

KINDS: list[dict[str, Any]] = [
    {"cell": "lstm", "attention": "additive"},
    {"cell": "gru", "attention": "general", "layers": 2},
    {"cell": "gru", "attention": "dot", "bidirectional": False},
    {"cell": "lstm", "attention": "none", "bidirectional": False},
]


def plain(reference: Any, model: Any, sources: np.ndarray, max_length: int) -> list[list[int]]:
    decoder = reference(model, max_length)
    return [decoder.greedy(row, [START]) for row in sources]


def listed(tokens: list[np.ndarray]) -> list[list[int]]:
    return [[int(token) for token in row] for row in tokens]


@pytest.mark.parametrize("fields", KINDS, ids=lambda fields: f"{fields['cell']}-{fields['attention']}")
def test_agrees_with_plain_decoding_token_for_token(
    model_of: Any, signature: Any, sources: np.ndarray, reference: Any, fields: dict[str, Any]
) -> None:
    model = model_of(scale=1.2, **fields)
    found = Greedy().decode(model, [{"source": sources}], signature)
    expected = plain(reference, model, sources, 9)
    assert listed(found) == expected
    assert len({tuple(row) for row in expected}) > 2  # the model says different things


def test_batches_and_their_sizes_change_nothing(model_of: Any, signature: Any, sources: np.ndarray) -> None:
    model = model_of()
    whole = Greedy().decode(model, [{"source": sources}], signature)
    parts = [{"source": sources[start : start + 3]} for start in range(0, len(sources), 3)]
    assert listed(Greedy().decode(model, parts, signature)) == listed(whole)


def test_a_short_batch_compiles_nothing_anew(backend: str, model_of: Any, signature: Any, sources: np.ndarray) -> None:
    model = model_of()
    traced = []
    step = model.kpipe_parts.stepper.step

    class Counting:
        start = staticmethod(model.kpipe_parts.stepper.start)

        @staticmethod
        def step(*arguments: Any) -> Any:
            traced.append(1)
            return step(*arguments)

    give(model, Parts(stepper=Counting()))
    Greedy().decode(model, [{"source": sources[:4]}], signature)
    once = len(traced)
    Greedy().decode(model, [{"source": sources[:4]}, {"source": sources[4:]}], signature)
    assert backend == "torch" or len(traced) == once


def test_stops_at_max_length_and_when_all_have_ended(model_of: Any, signature: Any, sources: np.ndarray) -> None:
    model = model_of()
    assert all(len(row) <= 2 for row in Greedy(max_length=2).decode(model, [{"source": sources}], signature))
    bias = model.get_layer("target").output_layer.bias
    bias.assign(np.where(np.arange(bias.shape[0]) == END, 100.0, 0.0))
    assert listed(Greedy().decode(model, [{"source": sources}], signature)) == [[]] * len(sources)


def test_new_weights_are_used_without_compiling_anew(model_of: Any, signature: Any, sources: np.ndarray) -> None:
    model = model_of()
    before = Greedy().decode(model, [{"source": sources}], signature)
    model.set_weights([-weight for weight in model.get_weights()])
    after = Greedy().decode(model, [{"source": sources}], signature)
    assert listed(before) != listed(after)


def test_padding_and_start_are_never_produced(model_of: Any, signature: Any, sources: np.ndarray) -> None:
    model = model_of()
    bias = model.get_layer("target").output_layer.bias
    bias.assign(np.where(np.isin(np.arange(bias.shape[0]), [PADDING, UNKNOWN, START]), 1000.0, 0.0))
    produced = np.concatenate(Greedy().decode(model, [{"source": sources}], signature))
    assert len(produced)
    assert not np.isin(produced, [PADDING, UNKNOWN, START]).any()


def test_a_model_without_text_is_refused(backend: str, signature: Any) -> None:
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], name="plain")
    with pytest.raises(WrongInput, match="produces no text"):
        Greedy().decode(model, [], signature)
